"""The page's texts in Chinese and English, as data, and the choice between them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

COOKIE: Final = "xuncheng_language"
LANGUAGES: Final = ("zh", "en")
_FOLDER: Final = Path(__file__).resolve().parent / "messages"
_SCRIPT_PREFIXES: Final = ("script.", "class.", "mark.", "state.")


@dataclass(frozen=True, slots=True)
class Messages:
    """All texts of one language by dotted key."""

    language: str
    texts: dict[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key with its {places} filled; KeyError for a key that is not in the catalogue."""
        return self.texts[key].format(**values)

    def named(self, kind: str, name: str) -> str:
        """The text of `kind.name`, or the bare name where a city has added one that we know no word for."""
        return self.texts.get(f"{kind}.{name}", name)

    def for_scripts(self) -> dict[str, str]:
        """The texts that the page's scripts need."""
        return {key: text for key, text in self.texts.items() if key.startswith(_SCRIPT_PREFIXES)}

    @property
    def other(self) -> str:
        """The other language."""
        return next(language for language in LANGUAGES if language != self.language)


def load_messages(folder: Path = _FOLDER) -> dict[str, Messages]:
    """The catalogue of each language."""
    return {language: Messages(language, _flat(folder / f"{language}.toml")) for language in LANGUAGES}


def choose_language(cookie: str | None, accept: str | None) -> str:
    """The language of a cookie, else the first known one of Accept-Language (by weight), else Chinese.

    >>> choose_language(None, "de-DE,de;q=0.9,en;q=0.8,zh;q=0.7")
    'en'
    >>> choose_language("zh", "en")
    'zh'
    >>> choose_language(None, None)
    'zh'
    """
    if cookie in LANGUAGES:
        return cookie
    ranked = sorted((_weighted(part) for part in (accept or "").split(",")), key=lambda row: -row[0])
    return next((name for weight, name in ranked if weight > 0.0 and name in LANGUAGES), LANGUAGES[0])


def _weighted(part: str) -> tuple[float, str]:
    tag, _, weight = part.strip().partition(";q=")
    try:
        return (float(weight) if weight else 1.0), tag.split("-")[0].lower()
    except ValueError:
        return 0.0, ""


def _flat(path: Path) -> dict[str, str]:
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {f"{table}.{key}": text for table, rows in tables.items() for key, text in rows.items()}
