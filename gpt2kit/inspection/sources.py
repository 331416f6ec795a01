"""Where each token of an answer comes from, as the last section of the page."""

from collections.abc import Sequence
from html import escape

from gpt2kit.pipeline.sources import Origin, TokenSources

SECTION = """<section class="card" id="sources">
  <h2>8 Where it comes from</h2>
  <p class="lead">The training examples in whose contexts the model's last vector is nearest to its vector here, before
  each part of the answer. At a distance of 0 the context is the same. The marked part is what came next there.</p>
  <div class="wide"><table><thead><tr><th scope="col">answer</th><th scope="col">distance</th>
  <th scope="col">example</th><th scope="col">its text</th></tr></thead><tbody>
{rows}</tbody></table></div>
</section>
"""


def section_of(sources: Sequence[TokenSources]) -> str:
    """The section as HTML."""
    return SECTION.format(rows="".join(_rows(each) for each in sources))


def _rows(token: TokenSources) -> str:
    first = f'<th scope="rowgroup" rowspan="{len(token.sources)}">{escape(token.token)}</th>'
    rows = [_cells(origin) for origin in token.sources]
    return f"<tr>{first}{'</tr><tr>'.join(rows)}</tr>\n"


def _cells(origin: Origin) -> str:
    where = origin.name.rsplit("/", 1)[-1] or f"{origin.example:,}"
    second = "" if origin.second is None else f", {origin.second:.2f} s"
    source = f"{origin.source} → " if origin.source else ""
    text = f"{escape(source + origin.before)}<mark>{escape(origin.token)}</mark>{escape(origin.after)}"
    return f"<td>{origin.distance:.2f}</td><td>{escape(where + second)}</td><td>{text}</td>"
