/** What teaches each shell to ask `wherry __complete` how a word may go on: a line for each way, what it is behind a tab. */
export const completionScripts: Readonly<Record<string, string>> = {
  bash: `# bash completion for wherry
_wherry() {
  local word="\${COMP_WORDS[COMP_CWORD]}" line words=() at last=-1
  COMPREPLY=()
  # bash takes --flag=value for three words.
  for ((at = 1; at <= COMP_CWORD; at++)); do
    if ((last >= 0)) && [[ "\${COMP_WORDS[at]}" == = || "\${words[last]}" == --*= ]]; then
      words[last]+="\${COMP_WORDS[at]}"
    else
      words[++last]="\${COMP_WORDS[at]}"
    fi
  done
  while IFS= read -r line; do
    # The last line says what to do besides.
    [[ -n "$line" && "$line" != :* ]] && COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(wherry __complete -- "\${words[@]}" 2>/dev/null)
  if [ "\${#COMPREPLY[@]}" = 0 ]; then
    case "\${COMP_WORDS[COMP_CWORD-1]}" in
      -f | --filename | -k | --kustomize | --kubeconfig) COMPREPLY=($(compgen -f -- "$word")) ;;
    esac
  fi
}
complete -o default -F _wherry wherry
`,
  zsh: `#compdef wherry
# zsh completion for wherry
_wherry() {
  local -a found
  local line
  while IFS= read -r line; do
    [[ -n "$line" && "$line" != :* ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(wherry __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  [[ "$words[CURRENT]" == --*=* ]] && compset -P '*='
  if (( \${#found} )); then _describe 'wherry' found; else _files; fi
}
if [ "$funcstack[1]" = "_wherry" ]; then _wherry; else compdef _wherry wherry; fi
`,
  fish: `# fish completion for wherry
function __wherry_complete
    set -l words (commandline -opc) (commandline -ct)
    # fish wants --flag=value whole.
    set -l flag (string match -r -- '^--[^=]*=' "$words[-1]")
    wherry __complete -- $words[2..-1] 2>/dev/null | string match -v -r '^:' | while read -l line
        echo "$flag$line"
    end
end
complete -c wherry -f -a '(__wherry_complete)'
complete -c wherry -s f -l filename -r -F
complete -c wherry -s k -l kustomize -r -F
complete -c wherry -l kubeconfig -r -F
`,
};
