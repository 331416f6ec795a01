"""English names of languages by their codes, for Wikipedia's templates."""

_NAMES = """
af Afrikaans|am Amharic|ang Old English|ar Arabic|arc Aramaic|ast Asturian|az Azerbaijani|be Belarusian|bg Bulgarian
bn Bengali|bo Tibetan|br Breton|bs Bosnian|ca Catalan|ceb Cebuano|cmn Mandarin Chinese|cop Coptic|cs Czech|cy Welsh
da Danish|de German|el Greek|en English|eo Esperanto|es Spanish|et Estonian|eu Basque|fa Persian|fi Finnish
fil Filipino|fr French|frm Middle French|fro Old French|fy West Frisian|ga Irish|gd Scottish Gaelic|gl Galician
grc Ancient Greek|gu Gujarati|ha Hausa|haw Hawaiian|he Hebrew|hi Hindi|hr Croatian|hu Hungarian|hy Armenian
id Indonesian|ig Igbo|is Icelandic|it Italian|ja Japanese|jv Javanese|ka Georgian|kk Kazakh|km Khmer|kn Kannada
ko Korean|ku Kurdish|ky Kyrgyz|la Latin|lb Luxembourgish|lo Lao|lt Lithuanian|lv Latvian|mi Māori|mk Macedonian
ml Malayalam|mn Mongolian|mr Marathi|ms Malay|mt Maltese|my Burmese|nah Nahuatl|nds Low German|ne Nepali|nl Dutch
nn Norwegian Nynorsk|no Norwegian|nb Norwegian Bokmål|oc Occitan|or Odia|ota Ottoman Turkish|pa Punjabi|pl Polish
ps Pashto|pt Portuguese|qu Quechua|rm Romansh|ro Romanian|ru Russian|sa Sanskrit|sc Sardinian|sco Scots|scn Sicilian
sd Sindhi|sh Serbo-Croatian|si Sinhala|sk Slovak|sl Slovene|so Somali|sq Albanian|sr Serbian|su Sundanese|sv Swedish
sw Swahili|syc Classical Syriac|ta Tamil|te Telugu|tg Tajik|th Thai|ti Tigrinya|tk Turkmen|tl Tagalog|tr Turkish
tt Tatar|ug Uyghur|uk Ukrainian|ur Urdu|uz Uzbek|vi Vietnamese|xh Xhosa|yi Yiddish|yo Yoruba|yue Cantonese
zh Chinese|zu Zulu
"""

LANGUAGE_NAMES: dict[str, str] = {}
for _entry in _NAMES.replace("\n", "|").strip("|").split("|"):
    _code, _, _name = _entry.partition(" ")
    LANGUAGE_NAMES[_code] = _name
