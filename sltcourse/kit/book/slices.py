"""Which earlier cells of a notebook a cell needs, found in the source, without running anything.

A cell needs another one if it reads a name that the other binds, or changes in place. Names that stand inside of
functions are read when the function is called, so that they are looked up both where the function is made and where
the cell stands. What is seen as a change in place: ``x += …``, ``x[…] = …``, ``x.a = …``, ``del x[…]``, a method called
for its effect (``x.append(…)`` alone on a line), and a call of a function of the notebook that does one of these to
its argument or to a global name. A method of something imported changes nothing, unless it is a ``seed``. What is not
seen: a change through a second name of the same object.
"""

import ast
import builtins
import symtable
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_BUILTIN = frozenset(vars(builtins))
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class Names:
    """What a cell does with names: ``binds`` anew, ``changes`` in place, ``reads`` at once or inside of a function
    (``later``)."""

    binds: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)


@dataclass
class Effects:
    """What calling one of the notebook's functions changes: arguments, by place and by name, and global names."""

    parameters: list[str]
    arguments: set[str]
    globals: set[str]


def needed(sources: Sequence[str], wanted: Sequence[int]) -> list[int]:
    """The numbers of the cells to run, in order, so that those ``wanted`` show what they show in the whole notebook.

    ``sources`` are the code cells' sources, in plain Python. The wanted cells themselves are among the result.
    Raises SyntaxError for a source that is not Python.
    """
    trees = [ast.parse(source) for source in sources]
    effects: dict[str, Effects] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, _FUNCTIONS):
                effects[node.name] = _effects(node)
    imported = {name for tree in trees for name in _imported(tree)}
    cells = [_names(tree, effects, imported) for tree in trees]
    found: set[int] = set()
    for k in wanted:
        found |= _behind(cells, k)
    return sorted(found)


def _behind(cells: Sequence[Names], last: int) -> set[int]:
    """The cells that cell ``last`` needs, itself included."""
    found: set[int] = set()
    asked: set[tuple[str, int]] = set()
    todo = [last]
    while todo:
        k = todo.pop()
        if k in found:
            continue
        found.add(k)
        names = cells[k]
        for name, before in [*((n, k) for n in names.reads | names.later), *((n, last) for n in names.later)]:
            if (name, before) not in asked:
                asked.add((name, before))
                todo.extend(_makers(cells, name, before))
    return found


def _makers(cells: Sequence[Names], name: str, before: int) -> Iterator[int]:
    """The last cell above ``before`` that binds a name, and those after it that change the name."""
    for k in range(before - 1, -1, -1):
        if name in cells[k].binds:
            yield k
            return
        if name in cells[k].changes:
            yield k


def _names(tree: ast.Module, effects: dict[str, Effects], imported: set[str]) -> Names:
    names = Names()
    for statement in tree.body:
        reads, later, stored = _scopes(statement)
        changes = set() if isinstance(statement, _FUNCTIONS) else _changed(_outside(statement), imported)
        changes |= _called(statement, effects)
        if isinstance(statement, (ast.For, ast.AsyncFor)):  # what its head binds, its body does not ask of others
            reads = (reads - _targets(statement.target)) | _targets(statement.iter)
        names.reads |= (reads | changes) - names.binds - _BUILTIN
        names.later |= later - _BUILTIN
        names.changes |= changes - names.binds
        bound = stored if not isinstance(statement, (ast.If, ast.While, ast.Try, ast.Match)) else set()
        if isinstance(statement, (ast.For, ast.AsyncFor)):  # its variable is bound, what its body assigns may not be
            bound = _targets(statement.target)
        if isinstance(statement, ast.AugAssign):
            bound = set()
        names.binds |= bound
        names.changes |= stored - bound - names.binds
    return names


def _scopes(statement: ast.stmt) -> tuple[set[str], set[str], set[str]]:
    """(read at once, read inside of functions and comprehensions, stored), names of the module."""
    table = symtable.symtable(ast.unparse(statement), "cell", "exec")
    symbols = table.get_symbols()
    reads = {s.get_name() for s in symbols if s.is_referenced()}
    stored = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
    later: set[str] = set()
    inner = list(table.get_children())
    while inner:
        scope = inner.pop()
        inner.extend(scope.get_children())
        later |= {s.get_name() for s in scope.get_symbols() if s.is_global() and s.is_referenced()}
    return reads, later, stored


def _targets(node: ast.expr) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _outside(node: ast.AST, entered: bool = True) -> Iterator[ast.AST]:
    """The nodes that run with a statement: those inside of its functions do not."""
    yield node
    if entered or not isinstance(node, (*_FUNCTIONS, ast.Lambda)):
        for child in ast.iter_child_nodes(node):
            yield from _outside(child, False)


def _base(node: ast.expr) -> str | None:
    """The name at the root of ``name.a[0].b``."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _imported(node: ast.AST) -> set[str]:
    imports = [n for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))]
    return {(a.asname or a.name).split(".")[0] for n in imports for a in n.names}


def _changed(nodes: Iterator[ast.AST], imported: set[str]) -> set[str]:
    """Names changed in place by nodes."""
    found: set[str | None] = set()
    for node in nodes:
        if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            found.add(_base(node))
        elif isinstance(node, ast.AugAssign):
            found.add(_base(node.target))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            method = node.value.func
            if isinstance(method, ast.Attribute) and (_base(method) not in imported or "seed" in method.attr):
                found.add(_base(method))
    return {name for name in found if name}


def _effects(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Effects:
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    changed = _changed(_outside(function), _imported(function))
    declared = {n for node in ast.walk(function) if isinstance(node, ast.Global) for n in node.names}
    local = {n.id for n in _outside(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} - declared
    return Effects(names, changed & set(names), (changed - set(names) - local) | declared)


def _called(statement: ast.stmt, effects: dict[str, Effects]) -> set[str]:
    """Names that the notebook's own functions change when they are called in a statement."""
    if isinstance(statement, _FUNCTIONS):
        return set()
    found: set[str] = set()
    for node in _outside(statement):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in effects):
            continue
        effect = effects[node.func.id]
        found |= effect.globals
        given = [*zip(effect.parameters, node.args, strict=False), *((k.arg, k.value) for k in node.keywords)]
        found |= {value.id for name, value in given if name in effect.arguments and isinstance(value, ast.Name)}
    return found
