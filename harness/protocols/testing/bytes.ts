/** One field of a message as tests write it; numbers are big-endian unless `little` is set. */
export type Field =
  | string
  | Uint8Array
  | { readonly u8: number }
  | { readonly u16: number; readonly little?: boolean }
  | { readonly u24: number; readonly little?: boolean }
  | { readonly u32: number; readonly little?: boolean }
  | { readonly u64: bigint; readonly little?: boolean }
  | { readonly i16: number }
  | { readonly i32: number }
  | { readonly i64: bigint }

/** The bytes of the fields in sequence, made without the code under test. */
export function bytesOf(...fields: readonly Field[]): Uint8Array {
  // A copy, as a Buffer would not equal a Uint8Array of the same bytes.
  return new Uint8Array(Buffer.concat(fields.map(fieldBytes)))
}

/** The text of bytes in UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function fieldBytes(field: Field): Uint8Array {
  if (typeof field === 'string') return new TextEncoder().encode(field)
  if (field instanceof Uint8Array) return field
  const view = new DataView(new ArrayBuffer(8))
  const little = 'little' in field && field.little
  if ('u8' in field) return take(1, () => view.setUint8(0, field.u8))
  if ('u16' in field) return take(2, () => view.setUint16(0, field.u16, little))
  if ('i16' in field) return take(2, () => view.setInt16(0, field.i16))
  if ('u32' in field) return take(4, () => view.setUint32(0, field.u32, little))
  if ('i32' in field) return take(4, () => view.setInt32(0, field.i32))
  if ('u64' in field) return take(8, () => view.setBigUint64(0, field.u64, little))
  if ('i64' in field) return take(8, () => view.setBigInt64(0, field.i64))
  view.setUint32(0, field.u24, little)
  return little ? new Uint8Array(view.buffer, 0, 3) : new Uint8Array(view.buffer, 1, 3)

  function take(width: number, write: () => void): Uint8Array {
    write()
    return new Uint8Array(view.buffer, 0, width)
  }
}
