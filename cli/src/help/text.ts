/** Help as plain text, at most WIDTH columns wide. */

export const WIDTH = 100;

export interface Item {
  readonly left: string;
  readonly right: string;
}

/** Two columns: what to type, and what it means; the right one is folded under itself. */
export function items(list: readonly Item[], leftMax = 34): string[] {
  const leftWidth = Math.min(leftMax, Math.max(0, ...list.map(({ left }) => left.length)));
  const indent = ' '.repeat(leftWidth + 4);
  return list.flatMap(({ left, right }) => {
    const [first = '', ...rest] = fold(right, WIDTH - indent.length);
    const folded = rest.map((line) => `${indent}${line}`);
    if (left.length > leftWidth) return [`  ${left}`, ...(first === '' ? [] : [`${indent}${first}`]), ...folded];
    return [`  ${left.padEnd(leftWidth)}  ${first}`.trimEnd(), ...folded];
  });
}

export function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines];
}

/** Breaks between words. A longer word stands alone on its line, uncut. */
export function fold(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
