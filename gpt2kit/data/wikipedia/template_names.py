"""Names of templates of the English Wikipedia, by how they are written out."""

import re

SILENT = re.compile(
    r"cite\b.*|citation.*|sfn.*|efn.*|refn|r|rp|ref|ref .*|harv.*|note.*|notetag|cn|fact|.*\bneeded"
    r"|.*[- ]inline|clarify.*|dubious|who|when|which|where|why|by whom|according to whom|vague|update.*"
    r"|dead link|webarchive|page needed|unreliable.*|failed verification|verify.*|original research.*|or"
    r"|synthesis.*|weasel.*|peacock.*|tone|citation|coord (missing|needed)|flagicon.*|flagdeco|.*\bicon|.*infobox.*"
    r"|taxobox.*|.*taxobox|speciesbox|chembox|drugbox|.*navbox.*|.*sidebar.*|use .*|engvar.*|short description"
    r"|about|for|for2|other .*|otheruses.*|redirect.*|distinguish.*|hatnote|main.*|see also.*|further.*|details"
    r"|pp.*|protected.*|.* article|italic title|displaytitle.*|lowercase.*|defaultsort.*|authority control"
    r"|commons.*|wiktionary.*|wikisource.*|wikiquote.*|sister.*|portal.*|.*stub|clear|clr|-|toc.*|.*toc"
    r"|anchor.*|reflist.*|refbegin.*|refend|notelist.*|gallery.*|.*image.*|multiple issues|unreferenced.*"
    r"|more .*|refimprove.*|cleanup.*|orphan|copy ?edit.*|pov.*|advert|notability|listen|shy"
    r"|nowrap (begin|end)|nobr|hidden.*|sup note|#tag:ref|disputed.*|expand .*|wide image|panorama|quote box"
    r"|legend|spoken.*|col-.*|div col.*|colbegin|colend|end|s-.*|succession box|persondata|dynamic list"
    r"|inuse|under construction|good article|dn|fv|how|examples|specify|like whom|attribution|quantify"
    r"|ambiguous|definition|opinion|primary source.*|third-party.*|self-published.*|better source.*|loosely|elucidate"
    r"|contradict.*|undue.*"
)
"""Templates that show no part of a sentence: notes, citations, marks for editors, boxes and hatnotes."""

SIGNS = {
    "ndash": "–", "en dash": "–", "mdash": "—", "em dash": "—", "snd": " – ", "spnd": " – ", "spaced ndash": " – ",
    "spaced en dash": " – ", "spaced mdash": " — ", "nbsp": " ", "space": " ", "thinsp": " ", "thin space": " ",
    "sp": " ", "'": "'", "'s": "'s", '\' "': '\' "', '" \'': '" \'', "-'": "'", "'-": "'", '\'"': '\'"', '"\'': '"\'',
    "!": "\x1d", "pipe": "\x1d", "=": "\x1c", "·": " · ", "bullet": " • ", "•": " • ", "middot": " · ", "dot": " · ",
    "zwj": "", "zwnj": "", "wbr": "", "okina": "ʻ", "hamza": "ʼ", "ayin": "ʽ", "pi": "π", "times": "×", "minus": "−",
    "number sign": "#", "dagger": "†", "†": "†", "sic": "[sic]", "usa": "United States", "us": "United States",
    "uk": "United Kingdom", "circa": "c.", "c.": "c.", "floruit": "fl.", "fl.": "fl.", "euro": "€", "pound": "£",
    "usd": "US$", "us$": "US$", "dash": " – ", "ell": "…", "ellipsis": "…", "sharp": "♯",
    "bc": "BC", "bce": "BCE", "ad": "AD", "ce": "CE",
}  # fmt: skip
"""Templates without arguments."""

MONEY = {
    "usd": "US$", "us$": "US$", "gbp": "£", "£": "£", "gbp£": "£", "eur": "€", "€": "€", "euro": "€", "inr": "₹",
    "₹": "₹", "rs": "₹", "jpy": "¥", "¥": "¥", "cny": "CN¥", "rmb": "CN¥", "aud": "A$", "a$": "A$", "cad": "CA$",
    "c$": "CA$", "nzd": "NZ$", "krw": "₩", "php": "₱", "hkd": "HK$", "chf": "CHF\xa0", "brl": "R$", "rub": "₽",
    "mxn": "MX$", "zar": "R", "try": "₺", "ils": "₪",
}  # fmt: skip
"""Currencies: the sign in front of the amount."""

FIRST = (
    "nowrap nobr nobreak nowrapping small big smaller larger nobold noitalic normal italic em strong smallcaps sc "
    "abbr tooltip sub math mvar var code tt mono kbd samp bdi ruby chem2 quote cquote blockquote quotation "
    "proper_name visible_anchor vanchor not_a_typo as_written typo flag flagcountry flagu flagathlete unicode "
    "polytonic linktext interlanguage_link interlanguage_link_multi ill nihongo2 nihongo_text hebrew aut green "
    "strikethrough lc uc ucfirst lcfirst nts ntsh plain link section noped keypress key pre highlight angbr_text "
    "single_double isbn_text bold center"
)
"""Templates that show their first argument; _ is a space."""

LAST = "w wict resize font text"
"""Templates that show their last argument."""

SECOND = "lang transl transliteration wikt-lang rtl-lang color colour font_color fontcolor"
"""Templates that show their last argument, if there are two or more."""

SHIPS = "hms uss ss mv rms hmas hmcs hmnzs ins usns uscgc rfa rrs ms mt mf usat"
"""Prefixes of ships, in front of the name."""
