"""An extension of Sphinx: formulas as MathML, which browsers show without a script, a font or a network."""

from __future__ import annotations

from typing import Any

from docutils import nodes

from kt_theory.ledger.report.mathml import formula


def inline(writer: Any, node: nodes.math) -> None:
    """A formula in a line."""
    writer.body.append(formula(node.astext()))
    raise nodes.SkipNode


def displayed(writer: Any, node: nodes.math_block) -> None:
    """A formula on a line of its own."""
    writer.body.append(f'<div class="formula">{formula(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Give Sphinx the renderer."""
    app.add_html_math_renderer("mathml", (inline, None), (displayed, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
