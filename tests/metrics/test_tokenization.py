"""The tokenization of BLEU by language and by script: 13a finds no words in Chinese, Japanese or Thai."""

import pytest

from gpt2kit.errors import MachineError
from gpt2kit.metrics import metrics
from gpt2kit.metrics.tokenization import TOKENIZATIONS, Tokenization, tokenization

TEXTS = {
    "zh": ["我喜欢这本书和那只猫", "今天天气很好我们去公园"],
    "ja": ["私はこの本がとても好きです。", "明日の朝、電車で京都へ行きます。"],
    "ko": ["나는 이 책을 정말 좋아한다.", "우리는 내일 아침 기차를 탄다."],
    "th": ["ฉันชอบหนังสือเล่มนี้มาก", "เราจะไปสวนสาธารณะ"],
    "lo": ["ຂ້ອຍມັກປຶ້ມຫົວນີ້", "ພວກເຮົາໄປຕະຫຼາດ"],
    "km": ["ខ្ញុំចូលចិត្តសៀវភៅនេះ", "យើងទៅផ្សារ"],
    "my": ["ကျွန်တော်ဒီစာအုပ်ကိုကြိုက်တယ်", "ငါတို့ဈေးသွားမယ်"],
    "bo": ["ང་དཔེ་ཆ་འདི་ལ་དགའ་པོ་ཡོད།", "ང་ཚོ་ཁྲོམ་ལ་འགྲོ་གི་ཡིན།"],
    "ru": ["Сегодня фермер не хочет читать газету."],
    "ar": ["أحب هذا الكتاب كثيرا جدا اليوم."],
    "hi": ["मुझे यह किताब बहुत पसंद है।"],
    "en": ["I like this book and that cat a lot."],
}
EXPECTED = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"} | dict.fromkeys(("th", "lo", "km", "my", "bo"), "char")


@pytest.mark.parametrize("language", TEXTS)
def test_a_language_and_its_script_have_the_same_tokenization(language: str) -> None:
    expected = EXPECTED.get(language, "13a")
    assert tokenization(language, TEXTS[language]) == Tokenization(expected)
    by_script = tokenization("fr", TEXTS[language])
    assert by_script.name == expected
    assert (by_script.remark == "") == (expected == "13a")


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("code", ["", "fr"])
def test_equal_texts_have_a_bleu_of_100(language: str, code: str) -> None:
    texts = TEXTS[language]
    chosen = metrics.available(tokenization(code or language, texts))
    score = metrics.bleu(texts, texts, tokenize=chosen.name)
    assert score.value == pytest.approx(100)
    assert f"|tok:{chosen.name}" in score.signature


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        *((code, "zh") for code in ("zho", "cmn", "yue", "zh-Hans", "zh-TW", "ZH-CN", "zh-Hant-HK")),
        *((code, "ja-mecab") for code in ("jpn", "ja-JP")),
        *((code, "ko-mecab") for code in ("kor", "ko-KR")),
        *((code, "char") for code in ("tha", "khm", "bod", "dz")),
        *((code, "13a") for code in ("zh-Latn", "ja-Latn", "vi", "fr", "tlh")),
    ],
)
def test_codes(code: str, expected: str) -> None:
    assert tokenization(code, []).name == expected


@pytest.mark.parametrize(
    ("code", "text", "name"),
    [
        ("zh", "나는 이 책을 좋아한다", "ko-mecab"),
        ("ko", "私はこの本が好きです", "ja-mecab"),
        ("th", "I like this book", "13a"),
        ("zh", "I like this book", "13a"),
    ],
)
def test_a_wrong_code_is_remarked(code: str, text: str, name: str) -> None:
    found = tokenization(code, [text])
    assert found.name == name
    assert found.remark == (
        f"BLEU is tokenized by {name}, because of the letters of the references; the target language is {code!r}"
    )


@pytest.mark.parametrize(
    ("code", "text", "name"),
    [
        ("ja", "東京", "ja-mecab"),
        ("zh", "我喜欢 Python programming language", "zh"),
        ("en", "Write 猫 for cat.", "13a"),
        ("th", "我喜欢", "char"),
        ("zh", "42", "zh"),
    ],
)
def test_a_code_is_believed_where_its_tokenization_works(code: str, text: str, name: str) -> None:
    assert tokenization(code, [text]) == Tokenization(name)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from sacrebleu.tokenizers import tokenizer_ja_mecab

    monkeypatch.setattr(tokenizer_ja_mecab, "MeCab", None)
    with pytest.raises(MachineError, match=r"ja-mecab cannot be used .*pip install 'sacrebleu\[ja\]'"):
        metrics.check_tokenization("ja-mecab")
    found = metrics.available(Tokenization("ja-mecab"))
    assert found.name == "char"
    assert found.remark.startswith("BLEU is over characters: sacreBLEU's tokenization ja-mecab cannot be used")


def test_the_names_are_those_of_sacrebleu() -> None:
    from sacrebleu.metrics.bleu import BLEU

    assert set(TOKENIZATIONS) - {"auto"} <= set(BLEU.TOKENIZERS)
