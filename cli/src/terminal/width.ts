/** How many columns text takes, and how to cut and pad it by that. */

const plain = /^[\x20-\x7E]*$/;

/** Dear to make and seldom needed: most of what is printed is ASCII. */
let unicode: { readonly segments: Intl.Segmenter; readonly wide: RegExp; readonly invisible: RegExp } | undefined;

// What Unicode's East Asian Width (UAX #11) calls wide, in the blocks that occur in practice, and emoji.
const widePattern = [
  '^(?:[\\u1100-\\u115F\\u2E80-\\u303E\\u3041-\\uA4CF\\uA960-\\uA97C\\uAC00-\\uD7A3\\uF900-\\uFAFF]',
  '[\\uFE30-\\uFE6F\\uFF01-\\uFF60\\uFFE0-\\uFFE6]',
  '[\\u{1F300}-\\u{1FAFF}\\u{20000}-\\u{3FFFD}]',
  '\\p{Emoji_Presentation})',
].join('|');

function tables() {
  unicode ??= {
    segments: new Intl.Segmenter('en', { granularity: 'grapheme' }),
    wide: new RegExp(widePattern, 'u'),
    invisible: /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u,
  };
  return unicode;
}

export function width(text: string): number {
  if (plain.test(text)) return text.length;
  let sum = 0;
  for (const { segment } of tables().segments.segment(text)) sum += widthOf(segment);
  return sum;
}

/** At most `columns` wide, with `…` where something was left out. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let kept = '';
  let sum = 0;
  for (const { segment } of tables().segments.segment(text)) {
    sum += widthOf(segment);
    if (sum > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

export const pad = (text: string, columns: number): string => text + ' '.repeat(Math.max(0, columns - width(text)));

/**
 * Text from elsewhere, made harmless: a control character in a name or a reason
 * could otherwise move the cursor, change the title or hide what stands before it.
 */
// oxlint-disable-next-line no-control-regex
export const harmless = (text: string): string => text.replace(/[\u0000-\u001F\u007F-\u009F]+/g, ' ');

function widthOf(grapheme: string): number {
  const { wide, invisible } = tables();
  if (invisible.test(grapheme)) return 0;
  return wide.test(grapheme) || grapheme.includes('\uFE0F') ? 2 : 1;
}
