"""Does explaining a generation find the source of a copied answer? One fact planted in ten sentences.

Ten sentences, one of which holds the answer to a question; the answer that copies it is explained with the
default settings. Told is how often that sentence is ranked first, for the embedded model and for a copy of it
with random weights, to which no sentence can be a source.

    python benchmarks/explain_generation.py --facts 50

The form of the prompt was chosen on the sentences of ``--development``; the others have other subjects.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from interpllm.explain import explain_generation
from interpllm.llm import Session, connect
from interpllm.select.inference import share

TEMPLATE = "{segments}\n\n{question} Answer in a word or two."

# (sentence, question, values): each value makes a fact of its own.
FACTS = [
    ("The parrot of Mrs Weber is called {}. ", "What is the parrot of Mrs Weber called?",
     ["Otto", "Coco", "Basil", "Luna", "Felix"]),
    ("The train to Graz leaves from platform {}. ", "From which platform does the train to Graz leave?",
     ["nine", "two", "seven", "four", "twelve"]),
    ("The old bridge was painted {}. ", "What colour was the old bridge painted?",
     ["green", "blue", "red", "yellow", "white"]),
    ("Jonas plays the {} every evening. ", "Which instrument does Jonas play?",
     ["violin", "piano", "trumpet", "guitar", "flute"]),
    ("The bakery on the corner closes on {}. ", "On which day does the bakery on the corner close?",
     ["Monday", "Tuesday", "Sunday", "Friday", "Thursday"]),
    ("Anna spent her holiday in {}. ", "Where did Anna spend her holiday?",
     ["Norway", "Portugal", "Iceland", "Greece", "Chile"]),
    ("The museum was founded by a {}. ", "Who founded the museum?",
     ["doctor", "sailor", "teacher", "painter", "farmer"]),
    ("In the garden of the school grows an {} tree. ", "Which tree grows in the garden of the school?",
     ["apple", "olive", "almond", "orange", "elm"]),
    ("The mayor drives an old {}. ", "Which car does the mayor drive?",
     ["Volvo", "Ford", "Fiat", "Toyota", "Honda"]),
    ("The winner of the race came from {}. ", "From which town did the winner of the race come?",
     ["Lyon", "Bergen", "Turin", "Leeds", "Porto"]),
]  # fmt: skip
DEVELOPMENT = [
    ("The cat of the neighbours is named {}. ", "What is the name of the neighbours' cat?",
     ["Mia", "Tiger"]),
    ("The library opens at {}. ", "When does the library open?", ["noon", "eight"]),
    ("Peter works as a {}. ", "What is Peter's job?", ["baker", "lawyer"]),
    ("The soup was made of {}. ", "What was the soup made of?", ["pumpkin", "lentils"]),
    ("The curtains in the hall are {}. ", "What colour are the curtains in the hall?", ["purple", "grey"]),
    ("Clara studies {} in the city. ", "What does Clara study?", ["physics", "law"]),
    ("The hotel stands beside a {}. ", "What does the hotel stand beside?", ["lake", "church"]),
    ("The next concert is in {}. ", "In which month is the next concert?", ["March", "June"]),
    ("The shop at the station sells {}. ", "What does the shop at the station sell?", ["shoes", "books"]),
    ("The captain was born in {}. ", "Where was the captain born?", ["Malta", "Dublin"]),
]  # fmt: skip


def main() -> None:
    """Explain and count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--facts", type=int, default=50)
    parser.add_argument(
        "--development", action="store_true", help="the sentences that the form was chosen on"
    )
    parser.add_argument("--only", choices=("embedded", "random"), help="one of the two models")
    args = parser.parse_args()
    pool = DEVELOPMENT if args.development else FACTS
    with tempfile.TemporaryDirectory() as folder:
        if args.only != "random":
            told("the embedded model", connect("local", mode="off"), pool, args.facts)
        if args.only != "embedded":
            told("random weights", connect(f"hf:{randomised(Path(folder))}", mode="off"), pool, args.facts)


def told(name: str, session: Session, pool: list[tuple[str, str, list[str]]], n: int) -> None:
    """Explain ``n`` answers, and print how often the planted sentence came first."""
    started = time.perf_counter()
    first, highest, refused, scores = 0, 0, 0, []
    for number in range(n):
        sentences, question, answer, place = planted(pool, number)
        template = TEMPLATE.replace("{question}", question)
        found = explain_generation(session, sentences, answer, template=template, random_state=number)
        frame = found.frame()
        first += bool(frame["rank"].iloc[place] == 1) if found.ranked else 0
        highest += int(frame["value"].argmax()) == place
        refused += not found.ranked
        scores.append(found.score.value)
    estimate = share(first, n)
    print(
        f"{name}: first in {first} of {n} ({estimate.value:.2f}, {estimate.low:.2f} to {estimate.high:.2f}); "
        f"largest value, ranked or not, in {highest}; not ranked {refused}; median linear datamodeling score "
        f"{np.nanmedian(scores):.2f}; {(time.perf_counter() - started) / n:.1f} s each",
        flush=True,
    )


def planted(pool: list[tuple[str, str, list[str]]], number: int) -> tuple[list[str], str, str, int]:
    """Ten sentences in random order, and question, answer and place of one of them."""
    rng = np.random.default_rng(number)
    values = [str(rng.choice(options)) for *_, options in pool]
    chosen = number % len(pool)
    values[chosen] = pool[chosen][2][number // len(pool) % len(pool[chosen][2])]
    order = rng.permutation(len(pool)).tolist()
    sentences = [pool[place][0].format(values[place]) for place in order]
    return sentences, pool[chosen][1], values[chosen].capitalize(), order.index(chosen)


def randomised(folder: Path) -> Path:
    """A copy of the embedded model with weights as they are before any training."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    from interpllm.llm import zoo

    source = zoo.path("smollm2-135m")
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(source)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
