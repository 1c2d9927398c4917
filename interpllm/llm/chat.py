"""A request and its reply as the OpenAI dialect writes them, over HTTP and in batch files alike."""

from __future__ import annotations

from typing import Any

from interpllm.llm.base import Reply, Request
from interpllm.llm.schema import JSON_OBJECT, is_strict


def chat_body(request: Request) -> dict[str, Any]:
    """The JSON body of a chat completion, but for the model's name."""
    body: dict[str, Any] = {"messages": [dict(message) for message in request.messages], **request.params}
    if request.sample and isinstance(body.get("seed"), int):
        body["seed"] += request.sample
    if request.schema == JSON_OBJECT:
        body["response_format"] = {"type": "json_object"}
    elif request.schema is not None:
        named = {"name": "reply", "schema": request.schema, "strict": is_strict(request.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    return body


def chat_reply(body: Any, input_tokens: int = 0, output_tokens: int = 0) -> Reply:
    """The reply in the body of a chat completion, as it was written.

    Raises
    ------
    ValueError
        When the body is no chat completion.
    """
    try:
        choice = body["choices"][0]
        message = choice["message"]
        text, refusal, finish = message.get("content"), message.get("refusal"), choice.get("finish_reason")
    except (AttributeError, IndexError, KeyError, TypeError):
        raise ValueError("no chat completion") from None
    if isinstance(text, list):  # some servers send a list of parts
        text = "".join(str(part.get("text", "")) for part in text if isinstance(part, dict))
    return Reply(
        text if isinstance(text, str) else None,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        refusal=refusal if isinstance(refusal, str) and refusal else None,
        finish=finish if isinstance(finish, str) else None,
    )


def chat_tokens(body: Any) -> tuple[int, int]:
    """Input and output tokens that a body says it took, 0 where it does not say."""
    usage = body.get("usage") if isinstance(body, dict) else None
    usage = usage if isinstance(usage, dict) else {}
    tokens = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    into, out = (number if isinstance(number, int) else 0 for number in tokens)
    return into, out
