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
  ',': [' ', ' ', '╻'],
  '.': [' ', ' ', '╻'],
}

/** The lines of a number drawn three lines high, such as `138,214`; what is no digit, comma or point is left out. */
export function largeDigits(number: string): readonly string[] {
  const drawn = [...number].flatMap(character => glyphs[character] ?? [])
  return [0, 1, 2].map(line => drawn.filter((_, index) => index % 3 === line).join(' '))
}
