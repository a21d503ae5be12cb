"""Plain text by `--config text`: bits a character on held-out text, Markov models as baselines, and samples.

The text is the reference of the Python language, as `pydoc_data.topics` of CPython holds it (PSF license): each
paragraph once, in the order of the topics' names. Nothing of it is kept here.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

from common import COMMAND, arguments, must, progress, report, table

NAME = "topics"
PROMPT = 'The "for" statement'
SAMPLE_LENGTH = 400  # characters
TEMPERATURES = (0.5, 0.8)
MINUTES = 5
BASELINE = "markov_3"


def paragraphs() -> str:
    """The whole text; what several topics repeat stands there once."""
    found: dict[str, str] = {}
    for name in sorted(topics):
        for part in topics[name].split("\n\n"):
            found.setdefault(part.strip(), part)
    return "\n\n".join(part for text, part in found.items() if text)


def sample(folder: Path, temperature: float) -> str:
    """The continuation of the prompt."""
    (folder / "prompt.txt").write_text(PROMPT, encoding="utf-8")
    args = [COMMAND, "predict", "prompt.txt", "--temperature", str(temperature), "--horizon", str(SAMPLE_LENGTH)]
    return must([*args, "--seed", "1", "--output", "-", "--quiet"], folder).stdout


def lines(found: Mapping[str, Any], seconds: float, cpu: float, samples: Mapping[float, str]) -> list[str]:
    """The result as Markdown."""
    scores = {name: row for name, row in found["scores"].items() if row["bits"] is not None}
    order = sorted(scores, key=lambda name: scores[name]["bits"])
    rows = [
        [
            name.replace("_", " "),
            *(f"{scores[name][key]:.3f}" for key in ("bits", "accuracy", "top_3")),
        ]
        for name in order
    ]
    held, vocab_size = (
        found["holdout"],
        next(setting["value"] for setting in found["inferred"] if setting["key"] == "symbols"),
    )
    ours, reference = scores["lstmcast"]["bits"], scores[BASELINE]["bits"]
    text = [
        f"{found['data']['rows']:,} characters ({vocab_size} different), the last {held['test_steps']:,} held out;",
        f"`{found['network']}`, the best of its epochs: {found['epochs'][0]}.",
        f"`lstmcast train {NAME}.txt --config text` took {seconds:.0f} s by the clock, {cpu:.0f} s of all cores",
        f"(wanted: {MINUTES} minutes on two cores, which are {2 * 60 * MINUTES} s of both).",
        "",
        *table(["method", "bits a character", "hits", "among the 3 most likely"], rows),
        "",
        f"Wanted: fewer bits than a Markov model of order 3: {ours:.3f} against {reference:.3f}, "
        + ("reached." if ours < reference else "not reached."),
        "Markov models are those of `lstmcast.statistical.markov` (interpolated Kneser-Ney).",
    ]
    for temperature, drawing in samples.items():
        text += [
            "",
            f"Drawn after `{PROMPT}` with `--temperature {temperature} --seed 1`:",
            "",
            "```",
            drawing.rstrip(),
            "```",
        ]
    return text


def main() -> None:
    """Trains, draws, and writes the result."""
    args = arguments(__doc__, __file__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / f"{NAME}.txt").write_text(paragraphs(), encoding="utf-8")
        progress("training")
        done = must([COMMAND, "train", f"{NAME}.txt", "--config", "text", "--quiet", "--json"], folder)
        found = json.loads(done.stdout)
        samples = {temperature: sample(folder, temperature) for temperature in TEMPERATURES}
    report(args.output, "Plain text", lines(found, done.seconds, done.cpu_seconds, samples))


if __name__ == "__main__":
    main()
