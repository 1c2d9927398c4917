"""Every error that interpllm raises on purpose; each message says what to do next.

InterpLLMError
├── InputError              rows, labels or parameters cannot be used (also a ValueError)
├── MissingExtraError       an optional library is not installed (also an ImportError)
├── DocumentError           a model file is not one that this version understands (also a ValueError)
├── ExportError             an export would differ from the model, so nothing was written
├── ModelNotFoundError      a local model's weights are not on this machine
├── DownloadError           a model could not be fetched, or is not the file it should be
└── LLMError                a language model could not do what was asked
    ├── CapabilityError     the backend has no such verb
    ├── ConnectionFailed    the server cannot be reached
    ├── RequestRefused      the server answered that this request can never work (400, 401, 403, 404, ...)
    ├── TransientError      the server is busy or broken for now (408, 409, 429, 5xx); worth another try
    ├── ReplayMiss          replay mode, and the store has no reply to this request
    ├── BudgetExceeded      the next request would go over the budget; what was paid for is kept
    ├── RequestsPending     a batch session collected requests instead of sending them
    └── StoreError          the reply store cannot be read or written
"""

from __future__ import annotations


class InterpLLMError(Exception):
    """Base of every error that interpllm raises on purpose."""


class InputError(InterpLLMError, ValueError):
    """Rows, labels or parameters cannot be used; the message names the first offending one."""


class MissingExtraError(InterpLLMError, ImportError):
    """An optional library is not installed; the message names the extra that brings it."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library} is not installed. Install it with: pip install 'interpllm[{extra}]'")
        self.library = library
        self.extra = extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        return type(self), (self.library, self.extra)


class DocumentError(InterpLLMError, ValueError):
    """A model file is damaged, too large, or not of a version that this library understands."""


class ExportError(InterpLLMError):
    """An export did not reproduce the model on sample rows, so it was not written."""


class ModelNotFoundError(InterpLLMError):
    """A local model's weights are not on this machine; the message names the command that pulls them."""


class DownloadError(InterpLLMError):
    """A model could not be downloaded, or the file that came is not the pinned one."""


class LLMError(InterpLLMError):
    """A language model could not do what was asked."""


class CapabilityError(LLMError):
    """The backend does not implement the verb that was called."""


class ConnectionFailed(LLMError):
    """The server cannot be reached; worth another try within bounds."""


class RequestRefused(LLMError):
    """The server says that this request can never work; it is not tried again.

    Attributes
    ----------
    status : int or None
        The HTTP status where there is one: 400, 413 and 422 concern the one request, others every request.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class TransientError(LLMError):
    """The server is busy or broken for now; worth another try within bounds.

    Attributes
    ----------
    retry_after : float or None
        Seconds that the server asked to be left alone.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ReplayMiss(LLMError):
    """Replay mode was asked for, and the store holds no reply to this request."""


class BudgetExceeded(LLMError):
    """The next request would go over the budget; replies that were paid for are in the store."""


class RequestsPending(LLMError):
    """A batch session collected requests instead of sending them; the work goes on when replies are there."""


class StoreError(LLMError):
    """The reply store cannot be opened, read or written."""
