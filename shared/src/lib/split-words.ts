/**
 * Splits one string into words by the quoting rules of a shell: blanks
 * separate, single quotes keep everything, double quotes keep all but `\"` and
 * `\\`, a backslash keeps the next character. Nothing is expanded, and no
 * character is an operator: this makes argument lists, it runs nothing.
 *
 * Returns undefined when a quote is not closed.
 */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: "'" | '"' | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else if (quote === '"' && character === '\\' && isEscapable(text[at + 1])) word += text[++at]!;
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= '';
    } else if (character === '\\' && at + 1 < text.length) {
      word = (word ?? '') + text[++at]!;
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote !== undefined) return undefined;
  if (word !== undefined) words.push(word);
  return words;
}

const isEscapable = (character: string | undefined) => character === '"' || character === '\\';
