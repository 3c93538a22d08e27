const glyphs: Record<string, readonly [string, string, string]> = {
  '0': ['┏━┓', '┃ ┃', '┗━┛'],
  '1': ['╺┓ ', ' ┃ ', '╺┻╸'],
  '2': ['┏━┓', '┏━┛', '┗━╸'],
  '3': ['┏━┓', '╺━┫', '┗━┛'],
  '4': ['╻ ╻', '┗━┫', '  ╹'],
  '5': ['┏━╸', '┗━┓', '┗━┛'],
  '6': ['┏━╸', '┣━┓', '┗━┛'],
  '7': ['┏━┓', '  ┃', '  ╹'],
  '8': ['┏━┓', '┣━┫', '┗━┛'],
  '9': ['┏━┓', '┗━┫', '┗━┛'],
  // A drawn comma looks like a decimal point, so thousands are set apart by a blank.
  ',': [' ', ' ', ' '],
  '.': [' ', ' ', '╻'],
}

/**
 * Draws a number such as `138,214` three lines high, with a blank for the comma; characters other than digits, comma
 * and point are left out.
 */
export function largeDigits(number: string): readonly string[] {
  const drawn = [...number].flatMap(character => glyphs[character] ?? [])
  return [0, 1, 2].map(line => drawn.filter((_, index) => index % 3 === line).join(' '))
}
