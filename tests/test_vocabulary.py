"""Names, docstrings, comments, messages and documents use the field's terms; replaced words do not return."""

import keyword
import re
import tokenize
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("lstmcast", "tests", "benchmarks")
FILES = [
    path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) if path != Path(__file__).resolve()
]
NAMES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "data/README.md", "benchmarks/README.md")
DOCUMENTS = [*(ROOT / name for name in NAMES), *sorted((ROOT / "docs").rglob("*.md"))]
REPLACED = {
    "anatomy": "explanation_figure",
    "asked": "requested, or selected for arrays",
    "basis": "inputs",
    "board": "timeline",
    "boards": "timelines",
    "breach": "violation",
    "breaches": "violations",
    "chances": "probabilities",
    "chosen": "selected, or selection",
    "colour": "color",
    "deed": "action",
    "drawn": "sampled, or shown",
    "due": "reason",
    "fair": "valid",
    "fan": "band",
    "fans": "bands",
    "folded": "result",
    "footing": "preprocessing",
    "footings": "candidates",
    "foretold": "predicted",
    "furthest": "max_...",
    "heavier": "inverse_error_weight",
    "honest": "valid",
    "judge": "evaluate, validate or test",
    "judged": "holdout_..., or scored",
    "judgement": "evaluation",
    "judging": "test",
    "kinds": "tasks, transforms or vocabulary",
    "labelled": "labeled",
    "labeller": "classifier",
    "learnt": "known, or trained_until",
    "lacking": "warnings",
    "lasting": "no_early_stopping",
    "lean": "borrowed",
    "leaning": "borrowed",
    "lessons": "batches",
    "likeliest": "most_likely",
    "measure": "scaling, or metric",
    "mend": "hint",
    "neighbour": "neighbor",
    "others": "the noun: members, baselines",
    "place": "index, row or position",
    "places": "positions",
    "reach": "required_history",
    "reached": "crossed, or cumulative",
    "remembered": "recorded",
    "remembering": "ledger",
    "ripe": "valid",
    "rival": "baseline",
    "rivals": "baselines",
    "rolled": "result",
    "runner": "pipeline",
    "saying": "prediction",
    "says": "predicts",
    "share": "weight, fraction or mode",
    "shares": "weights or fractions",
    "speak": "predict",
    "speaker": "ensemble",
    "speaks": "predicts",
    "standing": "state",
    "strayed": "clipped",
    "straying": "rmse",
    "strips": "panels",
    "styles": "formats",
    "teller": "pipeline",
    "telling": "the reason: named_like_time",
    "tells": "identifies",
    "theirs": "the owner: partner, baseline, incumbent",
    "thought": "probabilities",
    "told": "known, mask or text",
    "tried": "adaptive, or candidates",
    "truth": "labels, or actual",
    "truths": "event columns",
    "unasked": "skip_comparison",
    "unripe": "warmup",
    "usual": "typical, baseline or default",
    "voice": "method",
    "voices": "methods",
    "way": "variant",
    "ways": "variants",
    "weighed": "weighted",
    "wish": "options",
    "wording": "text",
    "woven": "interleaved",
}

PROSE = re.compile(
    r"\b(said|says?|saying|tell(s|er|ing)?|told|speaks?|speaker|speaking|spoken|voices?|learnt|footings?|rivals?|lessons?"
    r"|judge(d|s)?|judge?ments?|judging|foretold|likeliest|honest(ly)?|ripe|unripe|mend|stray(s|ed|ing)?|leaning"
    r"|labell\w+|neighbours?|colours?|behaviour|licence|centre|catalogue|whilst|woven|asked|unasked|beside|anew|of-late"
    r"|remember(ed|ing)|beyond every|(is|are) no numbers?)\b",
    re.IGNORECASE,
)
CLAUSE = re.compile(r'[rf]?"""(What|How|Whether|Which|Where|When|Why|The same)\b')
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def words(name: str) -> list[str]:
    """The lower-case words of an identifier in snake_case or CamelCase."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def test_no_replaced_word_is_used() -> None:
    """Each identifier of the package, the tests and the benchmarks, split at underscores and capitals."""
    found = defaultdict(set)
    for path in FILES:
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
                    for word in REPLACED.keys() & set(words(token.string)):
                        found[f"{token.string}: {REPLACED[word]}"].add(f"{path.relative_to(ROOT)}:{token.start[0]}")
    assert dict(found) == {}


def test_words_of_names() -> None:
    """Both cases, and abbreviations."""
    assert words("_told_HTMLTell2") == ["told", "html", "tell"]


def test_prose_uses_the_terms_of_the_field() -> None:
    """Docstrings, comments and messages have none of the replaced words, and docstrings begin with no clause."""
    found = set()
    for path in FILES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if PROSE.search(line) or CLAUSE.match(line.strip()):
                found.add(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == set()


def test_documents_use_the_terms_of_the_field() -> None:
    """The prose of all pages, without code and shown outputs."""
    found = set()
    for path in DOCUMENTS:
        prose = CODE.sub("", path.read_text(encoding="utf-8"))
        found |= {f"{path.relative_to(ROOT)}: {match[0]}" for match in PROSE.finditer(prose)}
    assert found == set()
