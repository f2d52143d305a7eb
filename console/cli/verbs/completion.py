"""`quarterdeck completion SHELL`: a completion script, made from the same tables as the parser; `names` is what it asks back for names."""

from __future__ import annotations

import argparse
from importlib import import_module

from console.cli.context import Context
from console.cli.exits import Exit
from console.cli.verbs import VERBS

_GLOBAL = ("--workspace", "--env", "--as-of", "--read-only", "--json", "--help")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish", "names"), help="names: what the script asks for at each Tab")
    parser.add_argument("--line", default="", metavar="TEXT", help="names: the line up to the cursor")
    parser.add_argument("--raw", action="store_true", help="names: not quoted, for a shell that does that itself")
    parser.add_argument("--breaks", default="", metavar="CHARACTERS", help="names: what parts words in this shell, beside blanks")


def run(context: Context, options: argparse.Namespace) -> Exit:
    del context
    if options.shell == "names":
        from console.completing import offers  # a script is made without any workspace

        for word in offers(options.line, options.breaks, raw=options.raw):
            print(word)
        return Exit.OK
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[options.shell]())
    return Exit.OK


def _words_of(verb: str) -> list[str]:
    parser = argparse.ArgumentParser(add_help=False)
    import_module(f"console.cli.verbs.{VERBS[verb].module}").arguments(parser)
    words: list[str] = []
    for action in parser._actions:  # argparse has no public list of its options
        words += action.option_strings or [str(choice) for choice in action.choices or ()]
    return words


def _bash() -> str:
    cases = "\n".join(f"    {verb}) words='{' '.join([*_words_of(verb), *_GLOBAL])}';;" for verb in VERBS)
    return f"""_quarterdeck() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} verb= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in -*) ;; *) verb=${{COMP_WORDS[i]}}; break;; esac
  done
  case $verb in
    '') words='{" ".join([*VERBS, *_GLOBAL, "--version"])}';;
{cases}
  esac
  COMPREPLY=()
  if [[ $word != -* ]]; then
    local breaks=; [[ -n ${{ZSH_VERSION-}} ]] || breaks=$COMP_WORDBREAKS
    while IFS= read -r i; do COMPREPLY+=("$i"); done < <(
      "${{COMP_WORDS[0]}}" completion names --breaks="$breaks" --line="${{COMP_LINE:0:$COMP_POINT}}" 2>/dev/null)
  fi
  if ((${{#COMPREPLY[@]}})); then
    words=" $words "
    while [[ $words == *' -'* ]]; do i=${{words#*' -'}}; words="${{words%%' -'*}} ${{i#* }}"; done
  fi
  COMPREPLY+=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _quarterdeck quarterdeck qd"""


def _zsh() -> str:
    return "autoload -U +X bashcompinit && bashcompinit\n" + _bash()


def _fish() -> str:
    lines = []
    for program in ("quarterdeck", "qd"):
        lines.append(f"complete -c {program} -f")
        asked = f"(command {program} completion names --raw --line=(commandline -cp | string collect) 2>/dev/null)"
        lines.append(f"complete -c {program} -n 'not __fish_use_subcommand' -a '{asked}'")
        for verb in VERBS.values():
            lines.append(f"complete -c {program} -n __fish_use_subcommand -a {verb.name} -d '{verb.summary.replace(chr(39), '')}'")
            options = [word[2:] for word in _words_of(verb.name) if word.startswith("--")]
            lines += [f"complete -c {program} -n '__fish_seen_subcommand_from {verb.name}' -l {option}" for option in options]
    return "\n".join(lines)
