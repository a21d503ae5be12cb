"""Names of months, weekdays and parts of a year in European languages, and abbreviations of time zones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

# language: full names, abbreviations, and the inflected form used in dates, if any
_MONTH_NAMES: dict[str, tuple[str, ...]] = {
    "en": ("January February March April May June July August September October November December",
           "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec"),
    "de": ("Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
           "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez", "Jan Feb Mär Apr Mai Jun Jul Aug Sept Okt Nov Dez",
           "Jän Feb März Apr Mai Juni Juli Aug Sept Okt Nov Dez"),
    "fr": ("janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
           "janv févr mars avr mai juin juil août sept oct nov déc", "jan fév mar avr mai jui jul aoû sep oct nov déc",
           "jan fév mars avr mai juin juil août sept oct nov déc"),
    "es": ("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
           "ene feb mar abr may jun jul ago sep oct nov dic", "ene feb mar abr may jun jul ago sept oct nov dic",
           "enero febrero marzo abril mayo junio julio agosto setiembre octubre noviembre diciembre"),
    "it": ("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
           "gen feb mar apr mag giu lug ago set ott nov dic"),
    "pt": ("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
           "jan fev mar abr mai jun jul ago set out nov dez"),
    "nl": ("januari februari maart april mei juni juli augustus september oktober november december",
           "jan feb mrt apr mei jun jul aug sep okt nov dec", "jan feb maa apr mei jun jul aug sept okt nov dec"),
    "pl": ("styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
           "sty lut mar kwi maj cze lip sie wrz paź lis gru",
           "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia"),
    "sv": ("januari februari mars april maj juni juli augusti september oktober november december",
           "jan feb mar apr maj jun jul aug sep okt nov dec", "jan feb mars apr maj juni juli aug sept okt nov dec"),
    "da": ("januar februar marts april maj juni juli august september oktober november december",
           "jan feb mar apr maj jun jul aug sep okt nov dec"),
    "no": ("januar februar mars april mai juni juli august september oktober november desember",
           "jan feb mar apr mai jun jul aug sep okt nov des"),
    "fi": ("tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu syyskuu lokakuu marraskuu joulukuu",
           "tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu"),
    "cs": ("leden únor březen duben květen červen červenec srpen září říjen listopad prosinec",
           "led úno bře dub kvě čvn čvc srp zář říj lis pro",
           "ledna února března dubna května června července srpna září října listopadu prosince"),
    "ru": ("январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
           "янв фев мар апр май июн июл авг сен окт ноя дек", "янв февр мар апр мая июн июл авг сент окт нояб дек",
           "января февраля марта апреля мая июня июля августа сентября октября ноября декабря"),
    "tr": ("Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
           "Oca Şub Mar Nis May Haz Tem Ağu Eyl Eki Kas Ara"),
    "hu": ("január február március április május június július augusztus szeptember október november december",
           "jan febr márc ápr máj jún júl aug szept okt nov dec", "jan feb már ápr máj jún júl aug sze okt nov dec"),
    "ro": ("ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
           "ian feb mar apr mai iun iul aug sep oct nov dec", "ian febr mart apr mai iun iul aug sept oct nov dec"),
}  # fmt: skip
_FINNISH = _MONTH_NAMES["fi"]
_MONTH_NAMES["fi"] = (*_FINNISH, " ".join(f"{name}ta" for name in _FINNISH[0].split()))  # in dates
_WEEKDAY_NAMES = {
    "en": ("Monday Tuesday Wednesday Thursday Friday Saturday Sunday", "Mon Tue Wed Thu Fri Sat Sun"),
    "de": ("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag", "Mo Di Mi Do Fr Sa So",
           "Mon Die Mit Don Fre Sam Son"),
    "fr": ("lundi mardi mercredi jeudi vendredi samedi dimanche", "lun mar mer jeu ven sam dim"),
    "es": ("lunes martes miércoles jueves viernes sábado domingo", "lun mar mié jue vie sáb dom"),
    "it": ("lunedì martedì mercoledì giovedì venerdì sabato domenica", "lun mar mer gio ven sab dom"),
    "pt": ("segunda terça quarta quinta sexta sábado domingo", "seg ter qua qui sex sáb dom"),
    "nl": ("maandag dinsdag woensdag donderdag vrijdag zaterdag zondag", "ma di wo do vr za zo"),
    "pl": ("poniedziałek wtorek środa czwartek piątek sobota niedziela", "pon wt śr czw pt sob niedz"),
    "sv": ("måndag tisdag onsdag torsdag fredag lördag söndag", "mån tis ons tors fre lör sön"),
    "zh": ("星期一 星期二 星期三 星期四 星期五 星期六 星期日", "周一 周二 周三 周四 周五 周六 周日"),
    "ja": ("月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日", "月 火 水 木 金 土 日"),
}  # fmt: skip
QUARTER_WORDS = frozenset(["q", "qtr", "quarter", "quartal", "trimestre", "trim", "trimester", "t", "kwartaal",
                           "kwartal", "kvartal", "kv", "k", "kw"])  # fmt: skip
WEEK_WORDS = frozenset(["w", "wk", "week", "kw", "woche", "semaine", "sem", "s", "semana", "settimana", "sett",
                        "vecka", "v", "uge", "u", "uke", "tydzien", "tydz"])  # fmt: skip
HALF_WORDS = frozenset(["h", "hy", "half", "halbjahr", "hj", "semestre", "semester", "s", "sem"])
HOUR_WORDS = frozenset(["he", "h", "hour", "hr", "stunde", "std", "hora", "heure", "ora", "uur"])
LABELS = frozenset(["week", "w", "we", "wc", "ending", "beginning", "commencing"])  # before a whole date
HALVES = {"am": 0, "pm": 1, "上午": 0, "下午": 1, "午前": 0, "午後": 1, "오전": 0, "오후": 1}
CLOCK_WORDS = frozenset(["uhr", "h", "klo", "kl"])
# words without meaning for a time
LINKS = frozenset(["of", "de", "del", "den", "der", "le", "el", "a", "i", "d", "du", "at", "um", "kl", "the", "klo",
                   "fy", "г", "года"])  # fmt: skip
ORDINALS = frozenset(["st", "nd", "rd", "th", "er", "e", "eme", "o", "a", "ta", "do"])
CJK = {  # Chinese, Japanese and Korean: the directive of the number before
    "年": "Y", "년": "Y", "月": "m", "월": "m", "日": "d", "일": "d", "号": "d", "时": "H", "時": "H", "点": "H",
    "시": "H", "分": "M", "분": "M", "秒": "S", "초": "S", "季度": "q", "季": "q", "四半期": "q", "분기": "q",
    "周": "V", "週": "V", "주": "V",
}  # fmt: skip
ZONE_MINUTES = {  # abbreviations, each with its most common meaning
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 60, "CET": 60, "MEZ": 60, "CEST": 120, "MESZ": 120, "EET": 120,
    "EEST": 180, "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
    "AKST": -540, "AKDT": -480, "HST": -600, "AST": -240, "ADT": -180, "NST": -210, "NDT": -150, "BST": 60, "AEST": 600,
    "AEDT": 660, "ACST": 570, "ACDT": 630, "AWST": 480, "NZST": 720, "NZDT": 780, "JST": 540, "KST": 540, "HKT": 480,
    "SGT": 480, "MSK": 180, "SAST": 120, "EAT": 180, "WIB": 420, "PKT": 300, "NPT": 345, "BRT": -180,
}  # fmt: skip
UNCLEAR_ZONES = frozenset(["CST", "AST", "BST"])  # of several zones, unless the column has the name in summer too
LOCAL_ZONES = frozenset([*UNCLEAR_ZONES, "IST", "GST", "ET", "CT", "MT", "PT", "AT", "LT", "LST", "LMT", "CPT", "EPT"])
MARKS = frozenset([
    "p", "r", "b", "pr", "prov", "provisional", "prel", "prelim", "preliminary", "rev", "revised", "final", "est",
    "estimate", "estimated", "vorläufig", "endgültig", "provisoire", "definitivo", "provisorio",
])  # of the status of a value, after a time  # fmt: skip

DATE_NAMES = frozenset("date datetime day datum fecha tag jour dia giorno dag dzien tarih pvm дата ds".split())  # noqa: SIM905
TIME_NAMES = frozenset("time timestamp date datetime dates ds datum fecha zeit zeitpunkt zeitstempel mtu".split())  # noqa: SIM905
PERIOD_NAMES = {  # words of column names: the letters of the directives that they prefer
    **dict.fromkeys(("quarter", "quartal", "trimestre", "qtr", "kwartaal", "kwartal", "kvartal"), "qR"),
    **dict.fromkeys(("week", "weeks", "yearweek", "isoweek", "woche", "kw", "semaine", "semana", "settimana"), "V"),
    **dict.fromkeys(("he", "ending"), "N"),
}

_PLAIN = str.maketrans("łøđıŁØĐ", "lodiLOD")  # letters that do not decompose
_CASES = (str, str.lower, str.capitalize, str.upper)


def plain(word: str) -> str:
    """Lower-case word without accents and dots: `Févr.` → `fevr`."""
    decomposed = unicodedata.normalize("NFKD", word.translate(_PLAIN)).lower().translate(_PLAIN)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter) and letter != ".")


@lru_cache(maxsize=4096)
def month_of(word: str) -> int:
    """Number of a month by its name, an abbreviation or the start of one language's names; -1 if there is none."""
    return _number(plain(word), _MONTH_NUMBERS)


@lru_cache(maxsize=4096)
def weekday_of(word: str) -> int:
    """Number of a weekday (Monday is 1) by its name; -1 if there is none."""
    return _number(plain(word), _WEEKDAY_NUMBERS)


def _number(word: str, numbers: Mapping[str, int]) -> int:
    if word in numbers:
        return numbers[word]
    starting = {number for name, number in numbers.items() if name.startswith(word)} if len(word) > 2 else set()
    return starting.pop() if len(starting) == 1 else -1


def _numbers(names: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Number of every name; the first language that has a name decides."""
    numbers: dict[str, int] = {}
    for forms in names.values():
        for form in forms:
            for number, name in enumerate(form.split(), 1):
                numbers.setdefault(plain(name), number)
    return numbers


_MONTH_NUMBERS = _numbers(_MONTH_NAMES)
_WEEKDAY_NUMBERS = _numbers(_WEEKDAY_NAMES)


def completed(letter: str, seen: Mapping[int, str]) -> dict[int, str]:
    """Names of all months (`b`) or weekdays (`a`), as similar as possible to those seen, which are kept."""
    forms = list(_forms(_MONTH_NAMES if letter == "b" else _WEEKDAY_NAMES))
    best = max(forms, key=lambda form: sum(form[number] == text for number, text in seen.items()))
    return {**best, **seen}


def _forms(names: Mapping[str, tuple[str, ...]]) -> Iterator[dict[int, str]]:
    """Every form of the names: by language, abbreviation, dot and case."""
    for full, *rest in names.values():
        for form in (full, *rest):
            for dot in ("", "."):
                marked = [name + dot * (name != whole) for name, whole in zip(form.split(), full.split(), strict=True)]
                yield from ({k: case(name) for k, name in enumerate(marked, 1)} for case in _CASES)


def is_mark(text: str) -> bool:
    """True for a mark of the status of a value: p, (r), *."""
    return not text.strip("*†‡¹²³ ") or text.strip(" ()[].").lower() in MARKS


def name_words(name: str) -> set[str]:
    """Words of a column name without accents, and the whole name: `Año_mes` → `{ano, mes, anomes}`."""
    pieces = re.findall(r"[A-Z]?[^\W\dA-Z_]+|[A-Z]+", name)
    return {plain(piece) for piece in pieces} | {plain("".join(re.findall(r"[^\W\d_]+", name)))}
