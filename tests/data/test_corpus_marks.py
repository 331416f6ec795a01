"""Marks of tokenizers and escapes in a corpus are named."""

import pytest

from gpt2kit.data.corpus_marks import ESCAPED, MOSES, SPACED, marks
from gpt2kit.data.report import SplitReport


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Emma &apos;s kitchens now .", MOSES),
        ("l &apos;arbre", MOSES),
        ("l&apos; école est grande .", MOSES),
        ("Tom &amp; Jerry sleep .", MOSES),
        ("a semi @-@ final", MOSES),
        ("3 @,@ 000 and 2 @.@ 5", MOSES),
        ("&quot; yes &quot; , he said", MOSES),
        ("see &#91; 1 &#93; &#124; x", MOSES),
        ("Tom &amp; Jerry", ESCAPED),
        ("l&apos;école est grande.", ESCAPED),
        ("don&#39;t say &quot;hi&quot;", ESCAPED),
        ("He reads , then he sleeps .", SPACED),
        ("Il dort , puis il lit .", SPACED),
        ("He reads, then he sleeps.", None),
        ("Tu lis ? Oui ! Il dit : « non » ; bien.", None),
        ("mail me@example.org & you", None),
        ("Use .NET, or . alone, here.", None),
        ("", None),
    ],
)
def test_marks(text: str, expected: str | None) -> None:
    assert marks(text) == ({expected: 1} if expected else {})


def test_spaces_before_stops_are_remarked_if_they_are_frequent() -> None:
    report = SplitReport(read=100, left_out={SPACED: 9, MOSES: 1})
    assert report.remarks() == {MOSES: 1}
    report.leave_out({SPACED: 1})
    assert report.remarks() == {SPACED: 10, MOSES: 1}
