"""Merges configurations, and says why a tree did not take an option as it was asked for.

    kconfig.py merge OUT BASE FRAGMENT…            the lines of BASE with those of the fragments over them
    kconfig.py reasons FOLDER CONFIG OUT FRAGMENT… FOLDER has the tree's Kconfig, CONFIG is what it gave

OUT of `reasons` gets a line for each option of the fragments that CONFIG has otherwise:
`<number of the fragment> <option> <why>`. The language is that of Linux's
Documentation/kbuild/kconfig-language.rst, which Xen has taken over; it is read as far as reasons need
it: what an option depends on, whether it can be set by hand, its choice, and who selects it.
"""

import difflib
import glob
import os
import re
import sys

LINE = re.compile(r"(?:CONFIG_(\w+)=(.*)|# CONFIG_(\w+) is not set)$")
WORDS = {"n": "not set", "m": "m (a module)", "y": "y"}
# What stands below an entry and says more about it, and never begins an entry.
TYPES = ("bool", "tristate", "string", "int", "hex")


def options(path):
    """Names and values of a configuration in the order of its lines; "n" is not set."""
    with open(path, errors="replace") as file:
        for line in file:
            if found := LINE.match(line.strip()):
                yield (found[1], found[2]) if found[1] else (found[3], "n")


def merge(out, base, *fragments):
    asked = dict(option for fragment in fragments for option in options(fragment))
    with open(base, errors="replace") as file, open(out, "w") as merged:
        for line in file:
            found = LINE.match(line.strip())
            if not (found and (found[1] or found[3]) in asked):
                merged.write(line.rstrip("\n") + "\n")
        for name, value in asked.items():
            merged.write(f"# CONFIG_{name} is not set\n" if value == "n" else f"CONFIG_{name}={value}\n")


class Entry:
    """One `config` of a Kconfig file; an option may have several."""

    def __init__(self, name, conditions, choice):
        self.name, self.conditions, self.choice = name, list(conditions), choice
        self.type, self.prompt, self.prompt_if, self.range = None, False, None, None


class Tree:
    """Every entry of a tree's Kconfig files."""

    def __init__(self, folder):
        self.folder, self.entries, self.selected_by, self.choices = folder, {}, {}, {}
        # Frames of `if`, `menu` and `choice`: kind, conditions, number of the choice.
        self.frames, self.current, self.seen = [], None, set()
        self.read("Kconfig")

    def read(self, name):
        name = name.replace("$(SRCARCH)", "x86").replace("$SRCARCH", "x86").replace("$(srctree)/", "")
        for path in sorted(glob.glob(os.path.join(self.folder, name))):
            if path in self.seen or len(self.seen) > 20000:
                continue
            self.seen.add(path)
            with open(path, errors="replace") as file:
                self.lines(iter(file.read().replace("\\\n", " ").split("\n")), os.path.dirname(name))

    def lines(self, lines, folder):
        help_indent, in_help = None, False
        for raw in lines:
            line = raw.expandtabs(8)
            text = line.strip()
            if in_help:
                indent = len(line) - len(line.lstrip())
                if not text:
                    continue
                if help_indent is None and indent > 0:
                    help_indent = indent
                if help_indent is not None and indent >= help_indent:
                    continue
                in_help, help_indent = False, None
            text = re.sub(r"(^|\s)#.*$", "", text).strip() if '"' not in text else text
            if not text or text.startswith("#"):
                continue
            word, _, rest = text.partition(" ")
            rest = rest.strip()
            if word in ("help", "---help---"):
                in_help = True
            elif word in ("source", "rsource", "osource", "orsource"):
                path = rest.strip("\"'")
                self.read(os.path.join(folder, path) if "rsource" in word else path)
            else:
                self.statement(word, rest)

    def conditions(self):
        return [condition for _, conditions, _ in self.frames for condition in conditions]

    def statement(self, word, rest):
        if word in ("config", "menuconfig"):
            choice = next((number for kind, _, number in reversed(self.frames) if kind == "choice"), None)
            self.current = Entry(rest, self.conditions(), choice)
            self.entries.setdefault(rest, []).append(self.current)
            if choice is not None:
                self.choices.setdefault(choice, []).append(rest)
        elif word in ("menu", "choice", "if"):
            number = len(self.frames) * 100000 + sum(map(len, self.entries.values())) if word == "choice" else None
            self.frames.append((word, [rest] if word == "if" else [], number))
            self.current = None
        elif word in ("endmenu", "endchoice", "endif"):
            if self.frames:
                self.frames.pop()
            self.current = None
        elif word == "comment":
            self.current = Entry("", [], None)
        elif word == "depends":
            condition = rest.removeprefix("on").strip()
            if self.current:
                self.current.conditions.append(condition)
            elif self.frames:
                self.frames[-1][1].append(condition)
        elif self.current and self.current.name:
            self.attribute(self.current, word, rest)

    def attribute(self, entry, word, rest):
        if word in (*TYPES, "prompt"):
            entry.type = word if word in TYPES else entry.type
            if found := re.match(r"(\"(?:[^\"\\]|\\.)*\"|'[^']*')\s*(?:if\s+(.*))?$", rest):
                entry.prompt, entry.prompt_if = True, found[2]
        elif word in ("def_bool", "def_tristate"):
            entry.type = word.removeprefix("def_")
        elif word == "range":
            entry.range = rest
        elif word in ("select", "imply"):
            name, _, condition = rest.partition(" if ")
            if word == "select":
                self.selected_by.setdefault(name.strip(), []).append((entry, condition.strip() or None))


class Values:
    """What options are in a configuration, and what expressions come to with them."""

    ORDER = {"n": 0, "m": 1, "y": 2}

    def __init__(self, config):
        self.config = dict(options(config))

    def of(self, name):
        return self.config.get(name, "n")

    def level(self, name):
        return self.ORDER.get(self.of(name), 2)

    def evaluate(self, expression):
        """0, 1 or 2 for n, m and y; what no configuration says, such as $(cc-option,…), counts as y."""
        flat = re.sub(r"\$\([^()]*(?:\([^()]*\)[^()]*)*\)", "y", expression)
        tokens = re.findall(r"\|\||&&|!=|<=|>=|[!=<>()]|\"[^\"]*\"|'[^']*'|[\w.-]+", flat)
        value, rest = self.either(tokens)
        return 2 if rest else value

    def either(self, tokens):
        value, tokens = self.both(tokens)
        while tokens[:1] == ["||"]:
            other, tokens = self.both(tokens[1:])
            value = max(value, other)
        return value, tokens

    def both(self, tokens):
        value, tokens = self.one(tokens)
        while tokens[:1] == ["&&"]:
            other, tokens = self.one(tokens[1:])
            value = min(value, other)
        return value, tokens

    def one(self, tokens):
        if not tokens:
            return 2, []
        head, rest = tokens[0], tokens[1:]
        if head == "!":
            value, rest = self.one(rest)
            return 2 - value, rest
        if head == "(":
            value, rest = self.either(rest)
            return value, rest[1:]
        if rest[:1] and rest[0] in ("=", "!=", "<", ">", "<=", ">="):
            left, right = self.text(head), self.text(rest[1] if len(rest) > 1 else "n")
            return (2 if compare(left, rest[0], right) else 0), rest[2:]
        return self.ORDER.get(head, None) if head in self.ORDER else self.level(head), rest

    def text(self, token):
        if token[0] in "\"'":
            return token.strip("\"'")
        known = token in self.config or re.match(r"[A-Z]", token)
        return self.of(token).strip('"') if known else token


def compare(left, sign, right):
    def number(text):
        try:
            return int(text, 0)
        except ValueError:
            return None

    if sign in ("=", "!="):
        return (left == right) == (sign == "=")
    left, right = number(left), number(right)
    if left is None or right is None:
        return True
    return {"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[sign]


def conjuncts(expression):
    """The parts of `a && b && (c || d)`."""
    parts, depth, begin = [], 0, 0
    for at, c in enumerate(expression):
        depth += (c == "(") - (c == ")")
        if depth == 0 and expression.startswith("&&", at):
            parts.append(expression[begin:at])
            begin = at + 2
    return [part.strip() for part in [*parts, expression[begin:]]]


def in_words(expression):
    return " ".join(expression.split())


def standing(values, tree, part):
    """What the options of a part that is not met are now."""
    said = []
    for name in dict.fromkeys(re.findall(r"\b[A-Z0-9][A-Z0-9_a-z]*\b", re.sub(r"\"[^\"]*\"", "", part))):
        if name in tree.entries:
            value = values.of(name)
            said.append(f"{name} is {WORDS.get(value, value)}")
        elif not name.isdigit():
            said.append(f"{name} is no option of this tree")
    return " and ".join(said)


def unmet(values, tree, conditions, wanted):
    parts = [part for condition in conditions for part in conjuncts(condition)]
    return [part for part in dict.fromkeys(parts) if values.evaluate(part) < wanted]


def reason(tree, values, name, asked):
    entries = tree.entries.get(name)
    actual = values.of(name)
    if not entries:
        near = difflib.get_close_matches(name, tree.entries, 1, 0.7)
        return f"the tree has no option {name}" + (f"; the nearest name is {near[0]}" if near else "")
    kind = next((it.type for it in entries if it.type), None)
    if asked == "n":
        return still_on(tree, values, name, entries)
    if asked == "m" and kind == "bool":
        return "it cannot be a module: set it to y"
    if asked in "ym" and kind in ("string", "int", "hex"):
        return f"it takes a value of type {kind}"
    if kind in ("bool", "tristate") and asked not in "ym":
        return "it takes y, m or n" if kind == "tristate" else "it takes y or n"
    wanted = Values.ORDER.get(asked, 2)
    lacking = min((unmet(values, tree, it.conditions, wanted) for it in entries), key=len)
    if lacking:
        now = "; ".join(filter(None, (standing(values, tree, part) for part in lacking[:4])))
        return f"it depends on {' && '.join(map(in_words, lacking))}: {now}"
    if asked == "m" and values.of("MODULES") == "n":
        return "it cannot be a module: MODULES is not set"
    if not any(it.prompt for it in entries):
        by = sorted({entry.name for entry, _ in tree.selected_by.get(name, [])})
        few = ", ".join(by[:5]) + (" and others" if len(by) > 5 else "")
        return "it cannot be set by hand: " + (f"it is selected by {few}" if by else "the tree works it out")
    hidden = [it.prompt_if for it in entries if it.prompt and it.prompt_if and values.evaluate(it.prompt_if) == 0]
    if hidden:
        return f"it can be set by hand only with {in_words(hidden[0])}: {standing(values, tree, hidden[0])}"
    for entry in entries:
        others = [it for it in tree.choices.get(entry.choice, []) if it != name and values.level(it)]
        if entry.choice is not None and others:
            return f"one option of its choice can be set, and {others[0]} is"
    if (by := selectors(tree, values, name)) and actual != "n":
        return f"it is selected by {by}"
    if limits := next((it.range for it in entries if it.range), None):
        return f"its range is {in_words(limits)}, and the tree made it {actual}"
    return f"the tree made it {WORDS.get(actual, actual)}"


def selectors(tree, values, name):
    on = [
        entry.name
        for entry, condition in tree.selected_by.get(name, [])
        if values.level(entry.name) and (condition is None or values.evaluate(condition))
    ]
    names = list(dict.fromkeys(on))
    return ", ".join(names[:5]) + (" and others" if len(names) > 5 else "")


def still_on(tree, values, name, entries):
    if by := selectors(tree, values, name):
        return f"it is selected by {by}"
    if any(it.choice is not None for it in entries):
        return "one option of its choice must be set"
    hidden = [it.prompt_if for it in entries if it.prompt and it.prompt_if and values.evaluate(it.prompt_if) == 0]
    if hidden:
        return f"it can be switched off only with {in_words(hidden[0])}: {standing(values, tree, hidden[0])}"
    if not any(it.prompt for it in entries):
        return "it cannot be set by hand: the tree works it out"
    return f"the tree made it {values.of(name)}"


def reasons(folder, config, out, *fragments):
    asked = {}
    for number, fragment in enumerate(fragments):
        asked |= {name: (number, value) for name, value in options(fragment)}
    values = Values(config)
    missed = {name: it for name, it in asked.items() if values.of(name) != it[1]}
    # Reading thousands of files is for nothing where all is well.
    tree = Tree(folder) if missed else None
    with open(out, "w") as file:
        for name, (number, value) in missed.items():
            try:
                why = reason(tree, values, name, value)
            except (RecursionError, TypeError, IndexError):
                why = "the tree did not take it, and its Kconfig could not be read for why"
            file.write(f"{number} {name} {' '.join(why.split())[:500]}\n")


if __name__ == "__main__":
    {"merge": merge, "reasons": reasons}[sys.argv[1]](*sys.argv[2:])
