"""Several papers on one printer: which of them a person has chosen."""

from collections.abc import Iterable

from ticketing.kernel.errors import Invalid, NotFound
from ticketing.kernel.text import row_id

MOST = 50
"""So many papers are printed at once: a pile one carries."""


def chosen(typed: Iterable[str], title: str) -> list[int]:
    """The ids of the chosen papers in their order, each once; `title` names their kind.

    Raises Invalid (none, or more than `MOST`), NotFound (what no row can have).
    """
    try:
        ids = list(dict.fromkeys(row_id(one) for one in typed))
    except ValueError:
        raise NotFound from None
    if not ids:
        raise Invalid(f"请先选择要打印的{title}。")
    if len(ids) > MOST:
        raise Invalid(f"一次最多打印 {MOST} 张{title}，您选了 {len(ids)} 张，请分批打印。")
    return ids
