/**
 * What a shell runs to complete volt's command line. Each asks `volt complete -- WORDS`,
 * whose answer is a candidate a line, with a tab before its description, and last
 * `:0` where names of files fit as well, else `:4`.
 *
 * What was typed reaches volt as words and is never evaluated: a command
 * substitution on a half-typed line must not run because somebody pressed Tab.
 */

// Bash splits words at ':' and '=' too, and replaces only what follows the last of these.
const bash = [
  '# bash completion for volt',
  '_volt() {',
  '  local typed=${COMP_LINE:0:COMP_POINT} line value',
  '  local -a words',
  '  read -ra words <<< "$typed"',
  "  [[ $typed == *[[:blank:]] ]] && words+=('')",
  '  local current=${words[-1]}',
  '  local before=${current%"${current##*[:=]}"}',
  '  COMPREPLY=()',
  '  while IFS= read -r line; do',
  '    case $line in',
  '      :0) compopt -o default ;;',
  '      :*) ;;',
  '      *)',
  "        value=${line%%$'\\t'*}",
  '        COMPREPLY+=("${value#"$before"}")',
  '        ;;',
  '    esac',
  '  done < <(command volt complete -- "${words[@]:1}" 2>/dev/null)',
  '}',
  'complete -F _volt volt',
];

const zsh = [
  '#compdef volt',
  '# zsh completion for volt',
  '_volt() {',
  '  local -a values',
  '  local line files=0',
  '  while IFS= read -r line; do',
  '    case $line in',
  '      :0) files=1 ;;',
  '      :*) ;;',
  "      *) values+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\") ;;",
  '    esac',
  '  done < <(command volt complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)',
  '  (( ${#values} )) && _describe -t volt volt values',
  '  (( files )) && _files',
  '}',
  'if [ "$funcstack[1]" = _volt ]; then',
  '  _volt "$@"',
  'else',
  '  compdef _volt volt',
  'fi',
];

const fish = [
  '# fish completion for volt',
  'function __volt_complete',
  '    set -l words (commandline -opc)',
  '    set -l current (commandline -ct)',
  '    for line in (command volt complete -- $words[2..] "$current" 2>/dev/null)',
  '        switch $line',
  "            case ':0'",
  '                __fish_complete_path "$current"',
  "            case ':*'",
  "            case '*'",
  '                echo $line',
  '        end',
  '    end',
  'end',
  "complete -c volt -f -a '(__volt_complete)'",
];

const text = (lines: readonly string[]) => `${lines.join('\n')}\n`;

export const completionScripts = { bash: text(bash), zsh: text(zsh), fish: text(fish) } as const;
