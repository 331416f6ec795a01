#!/usr/bin/env bash
# torchmetrics: chrf_score follows chrF++ and sacrebleu, says its documentation, and these differ for short texts. It
# counts n-grams that a text is too short for as missed, as chrF++ does: the right answer "oui" to "oui" gets 0.5, and
# a corpus of four words that are all right 0.83. sacrebleu leaves these orders out and gives 100. Scores of words,
# names or short answers cannot be compared between the two; `eps_smoothing=True` of sacrebleu gives the number of
# torchmetrics.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0 torchmetrics==1.9.0 sacrebleu==2.6.0
cat > "$folder/look.py" <<'PY'
from importlib.metadata import version

import sacrebleu
from torchmetrics.functional.text import chrf_score

corpora = {
    "a right answer of one letter": ["a"],
    "a right answer of three letters": ["oui"],
    "right answers of a word each": ["oui", "non", "chat", "chien"],
    "a right answer of a sentence": ["Le chat est dans le jardin."],
}
print("Right answers that are shorter than the longest n-grams do not get the full score.")
print(*(f"{name} {version(name)}" for name in ("torchmetrics", "torch", "sacrebleu")))
found = {}
for name, texts in corpora.items():
    scores = {
        "sacrebleu": sacrebleu.corpus_chrf(texts, [texts]).score,
        "torchmetrics": 100 * float(chrf_score(texts, [[text] for text in texts], n_word_order=0)),
        "sacrebleu with eps_smoothing": sacrebleu.corpus_chrf(texts, [texts], eps_smoothing=True).score,
    }
    found[name] = [round(score, 1) for score in scores.values()]
    print(f"{name}: chrF", ", ".join(f"{score:.1f} by {which}" for which, score in scores.items()))
raise SystemExit(list(found.values()) != [[100, 16.7, 16.7], [100, 50, 50], [100, 83.3, 83.3], [100, 100, 100]])
PY
"$folder/venv/bin/python" "$folder/look.py"
