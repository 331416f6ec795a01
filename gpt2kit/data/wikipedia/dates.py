"""Wikipedia's templates of dates, written out; ages, which change, are not."""

from collections.abc import Callable, Sequence

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
BY_NUMBER = {str(number): month for number, month in enumerate(MONTHS, 1)}


def date(words: Sequence[str], named: dict[str, str]) -> str | None:
    """`|1980|5|6`: May 6, 1980, or with df=y: 6 May 1980; the day and the month may be missing."""
    year, month, day = (*(word.strip() for word in words[:3]), "", "", "")[:3]
    if month and month not in MONTHS:
        month = BY_NUMBER.get(month.lstrip("0"), "")
        if not month:
            return None
    if not year or (day and not (day.isdecimal() and month)):
        return None
    if not month:
        return year
    if not day:
        return f"{month} {year}"
    day = day.lstrip("0")
    return f"{day} {month} {year}" if named.get("df", "")[:1].lower() in ("y", "1") else f"{month} {day}, {year}"


def free_date(words: Sequence[str], named: dict[str, str]) -> str | None:
    """A date as it is written, or in numbers."""
    if len(words) > 1 and all(word.isdecimal() for word in words[:3]):
        return date(words, named)
    return words[0] if words and words[0] else None


def as_of(words: Sequence[str], named: dict[str, str]) -> str | None:
    """ "As of May 2015", or other words for it."""
    if named.get("alt"):
        return named["alt"]
    when = date(words, {"df": "y"} if named.get("df", "").lower() != "us" else {})
    if when is None:
        return None
    since = named.get("since", "")[:1].lower() == "y"
    begin = "Since" if since else "As of"
    lower = named.get("lc", "")[:1].lower() in ("y", "o", "1")
    return f"{begin.lower() if lower else begin} {when}"


def lifetime(words: Sequence[str], named: dict[str, str]) -> str | None:
    """The year of `{{birth year and age|1980}}`."""
    return words[0] if words and words[0].isdecimal() else None


DATES: dict[str, Callable[[Sequence[str], dict[str, str]], str | None]] = {
    **dict.fromkeys(
        (
            *(
                "birth date",
                "birth date and age",
                "bda",
                "dob",
                "birth-date",
                "birth-date and age",
                "death date",
                "dda",
            ),
            *("death date and age", "death-date", "death-date and age", "start date", "start date and age", "end date"),
            *("film date", "launch date", "release date", "date", "dts", "start-date", "end-date", "opened", "founded"),
        ),
        free_date,
    ),
    **dict.fromkeys(("as of", "asof"), as_of),
    **dict.fromkeys(("birth year and age", "birth year", "death year and age", "death year", "year"), lifetime),
}
