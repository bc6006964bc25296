"""HTML that a notebook put out, with everything taken away that could run or load something."""

from __future__ import annotations

import functools
import re

__all__ = ["cleaned"]

TAGS = frozenset(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img "
    "kbd li mark ol p pre s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var".split()
)
PLAIN = frozenset(("class", "id", "title", "colspan", "rowspan", "scope", "alt", "width", "height", "open"))


@functools.cache
def _cleaner():
    import bleach

    def allowed(tag: str, name: str, value: str) -> bool:
        if name == "href":  # a link may lead out, but only where a person follows it
            return tag == "a" and bool(re.match(r"https?://|#|[\w./-]+$", value))
        if name == "src":
            return tag == "img" and bool(re.match(r"data:image/(png|jpeg|gif|svg\+xml);", value))
        return name in PLAIN

    return bleach.Cleaner(tags=TAGS, attributes=allowed, protocols=["http", "https", "data"], strip=False)


def cleaned(html: str) -> str:
    """The HTML without scripts, styles, frames, forms, and pictures from elsewhere."""
    return _cleaner().clean(str(html).replace('style="text-align:right"', 'class="number"'))
