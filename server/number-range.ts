/** Whole numbers from `low` to `high`, both included. */
interface NumberRange {
  low: number;
  high: number;
}

/** `8080` or `8000-8099`, within `max`. */
const parseRange = (text: string, max: number): NumberRange | undefined => {
  const [, lowText, highText = lowText] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const low = Number(lowText);
  const high = Number(highText);
  return low <= high && high <= max ? { low, high } : undefined;
};

/** The same, or `5xx`. */
const parseStatusRange = (text: string): NumberRange | undefined => {
  const [, digit] = /^([1-9])xx$/i.exec(text) ?? [];
  return digit === undefined ? parseRange(text, 999) : { low: Number(digit) * 100, high: Number(digit) * 100 + 99 };
};

const formatRange = ({ low, high }: NumberRange): string => (low === high ? String(low) : `${low}-${high}`);

const formatStatusRange = (range: NumberRange): string => {
  const { low, high } = range;
  return low > 0 && low % 100 === 0 && high === low + 99 ? `${low / 100}xx` : formatRange(range);
};

export type { NumberRange };
export { formatRange, formatStatusRange, parseRange, parseStatusRange };
