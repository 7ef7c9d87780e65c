"""Prints a completion script for bash, zsh or fish, made from the options of the subcommands.

    tools/palimpsest completion bash > ~/.local/share/bash-completion/completions/palimpsest
    tools/palimpsest completion zsh > ~/.zfunc/_palimpsest      (a directory of $fpath)
    tools/palimpsest completion fish > ~/.config/fish/completions/palimpsest.fish
"""

import argparse

import commands

SHELLS = ("bash", "zsh", "fish")
MOMENTS = ("end", "peak", "barrier#", "oom#")


def set_argparser(parser) -> None:
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")


def main(args) -> int:
    print({"bash": bash, "zsh": zsh, "fish": fish}[args.shell](), end="")
    return 0


def options(name: str) -> list[argparse.Action]:
    return [action for action in commands.parser_of(name)._actions if action.option_strings]


def values(action: argparse.Action) -> tuple[str, ...]:
    """The words that an option's argument may be; none where files are completed."""
    if action.choices:
        return tuple(map(str, action.choices))
    return MOMENTS if "--at" in action.option_strings else ()


def takes_argument(action: argparse.Action) -> bool:
    return action.nargs != 0


def positional_words(name: str) -> tuple[str, ...]:
    """The words that a subcommand's own argument may be."""
    for action in commands.parser_of(name)._actions:
        if not action.option_strings and action.choices:
            return tuple(action.choices)
    return ()


def first_line(action: argparse.Action) -> str:
    return (action.help or "").translate(str.maketrans({"'": "", "[": "(", "]": ")", ":": ","}))


def bash() -> str:
    arms, listed = [], []
    for name in commands.SUBCOMMANDS:
        flags = [flag for action in options(name) for flag in action.option_strings]
        listed.append(f'\t{name}) words="{" ".join(flags)}" ;;')
        for action in options(name):
            if takes_argument(action):
                pattern = "|".join(f'"{name} {flag}"' for flag in action.option_strings)
                words = " ".join(values(action))
                what = f'-W "{words}"' if words else "-f"
                arms.append(f'\t{pattern}) COMPREPLY=($(compgen {what} -- "$current")); return ;;')
        if words := positional_words(name):
            arms.append(f'\t"{name} {name}") COMPREPLY=($(compgen -W "{" ".join(words)}" -- '
                        '"$current")); return ;;')
    return "\n".join([
        "# Completion of palimpsest for bash; made by `tools/palimpsest completion bash`.",
        "_palimpsest() {",
        '\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}',
        '\tlocal name=${COMP_WORDS[1]} words= sessions=${PALIMPSEST_SESSIONS:-sessions}',
        "\tCOMPREPLY=()",
        "\tif [ \"$COMP_CWORD\" -eq 1 ]; then",
        f'\t\tCOMPREPLY=($(compgen -W "{" ".join(commands.SUBCOMMANDS)}" -- "$current"))',
        "\t\treturn",
        "\tfi",
        '\tcase "$name $previous" in', *arms, "\tesac",
        '\tif [[ "$current" != -* ]]; then',
        '\t\tCOMPREPLY=($(compgen -W "$(ls "$sessions" 2>/dev/null)" -- "$current")',
        '\t\t\t$(compgen -f -- "$current"))',
        "\t\treturn",
        "\tfi",
        '\tcase "$name" in', *listed, "\tesac",
        '\tCOMPREPLY=($(compgen -W "$words" -- "$current"))',
        "}",
        "complete -o filenames -F _palimpsest palimpsest tools/palimpsest ./tools/palimpsest", ""])


def zsh() -> str:
    arms = []
    for name in commands.SUBCOMMANDS:
        specs = []
        for action in options(name):
            for flag in action.option_strings:
                spec = f"{flag}[{first_line(action)}]"
                if takes_argument(action):
                    words = values(action)
                    spec += f":value:({' '.join(words)})" if words else ":value:_files"
                specs.append(f"'{spec}'")
        words = positional_words(name)
        specs.append(f"'*:value:({' '.join(words)})'" if words
                     else "'*:session or file:_palimpsest_sessions'")
        arms += [f"\t{name})", "\t\t_arguments \\", *(f"\t\t\t{spec} \\" for spec in specs[:-1]),
                 f"\t\t\t{specs[-1]} ;;"]
    summaries = [f"\t\t'{name}:{text.replace(chr(39), '')}'"
                 for name, (_, text) in commands.SUBCOMMANDS.items()]
    return "\n".join([
        "#compdef palimpsest",
        "# Completion of palimpsest for zsh; made by `tools/palimpsest completion zsh`.",
        "_palimpsest_sessions() {",
        "\tcompadd -- ${PALIMPSEST_SESSIONS:-sessions}/*(N/:t)",
        "\t_files",
        "}",
        "_palimpsest() {",
        "\tif (( CURRENT == 2 )); then",
        "\t\tlocal -a names", "\t\tnames=(", *summaries, "\t\t)",
        "\t\t_describe subcommand names",
        "\t\treturn",
        "\tfi",
        "\tlocal name=$words[2]",
        "\tshift words; (( CURRENT-- ))",
        "\tcase $name in", *arms, "\tesac",
        "}",
        '_palimpsest "$@"', ""])


def fish() -> str:
    lines = ["# Completion of palimpsest for fish; made by `tools/palimpsest completion fish`."]
    quoted = {name: text.replace("'", "") for name, (_, text) in commands.SUBCOMMANDS.items()}
    lines += [f"complete -c palimpsest -n __fish_use_subcommand -f -a {name} -d '{text}'"
              for name, text in quoted.items()]
    sessions = "(ls (set -q PALIMPSEST_SESSIONS; and echo $PALIMPSEST_SESSIONS; or echo sessions) " \
               "2>/dev/null)"
    for name in commands.SUBCOMMANDS:
        begin = f"complete -c palimpsest -n '__fish_seen_subcommand_from {name}'"
        words = positional_words(name)
        lines.append(f"{begin} -f -a '{' '.join(words)}'" if words else f"{begin} -a '{sessions}'")
        for action in options(name):
            flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
                             for flag in action.option_strings)
            argument = ""
            if takes_argument(action):
                argument = f" -x -a '{' '.join(values(action))}'" if values(action) else " -r"
            lines.append(f"{begin} {flags}{argument} -d '{first_line(action)}'")
    return "\n".join([*lines, ""])
