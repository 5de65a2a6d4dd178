// Sizes as people say them, the same as the pages print: 41 KB, 2.1 MB, 218 MB.
const UNITS = ["B", "KB", "MB", "GB"];

export function sizeText(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(value < 10 && unit > 0 ? 1 : 0)} ${UNITS[unit]}`;
}
