"""A lesson's cells as its own tests read them: what it says, and which names its code cells hand to each other."""

import ast
import builtins

from tests.notebooks.lessons import ROOT, prose, read


def text(lesson):
    """All of a lesson's prose, its lines joined: what a test looks up a number or a phrase in."""
    return " ".join(prose(lesson).split())


def told(lesson, *phrases):
    """Assert that the lesson says each of the phrases, word by word."""
    said = text(lesson)
    for phrase in phrases:
        assert phrase in said, f"{lesson} does not say: {phrase}"


def shared_names(lesson):
    """Names that one cell takes from another although two cells assign them, or that a cell changes in place.

    Such a name makes a cell's result depend on the order in which cells were run. Returns {name: cells that assign
    it}, and the names that some cell changes by ``x[...] = `` or ``x += `` without having made them itself.
    """
    made, taken, changed = {}, set(), set()
    code = [c for c in read(ROOT / "notebooks" / f"{lesson}.ipynb").cells if c.cell_type == "code"]
    for cell in code:
        own, first_use = set(), set()
        for statement in ast.parse(cell.source).body:
            stored, loaded, altered = _names(statement)
            first_use |= loaded - own
            changed |= altered - own - stored
            own |= stored
        for name in own:
            made.setdefault(name, []).append(code.index(cell))
        taken |= first_use - set(vars(builtins))
    return {name: cells for name, cells in made.items() if len(cells) > 1 and name in taken}, changed


def _names(statement):
    """(assigned, read, changed in place) at a statement's top level; inside functions only what is read counts."""
    stored, loaded, altered, inner = set(), set(), set(), set()
    for node in ast.walk(statement):
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            arguments = node.args
            names = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            inner |= {a.arg for a in names}
            if isinstance(node, ast.FunctionDef):
                stored.add(node.name)
                inner |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
                inner |= {f.name for f in ast.walk(node) if isinstance(f, ast.FunctionDef) and f is not node}
        elif isinstance(node, ast.comprehension):
            inner |= {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            stored |= {(a.asname or a.name).split(".")[0] for a in node.names}
        elif isinstance(node, ast.Name):
            (loaded if isinstance(node.ctx, ast.Load) else stored).add(node.id)
        elif (
            isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load) and isinstance(node.value, ast.Name)
        ):
            altered.add(node.value.id)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            altered.add(node.target.id)
    own_loop = isinstance(statement, (ast.For, ast.With, ast.While, ast.If))
    return stored - inner, loaded - inner - (stored if own_loop else set()), altered
