/** Whether an Accept header lets a manifest of this type be sent. Nothing is ever converted. */
export function accepts(header: string | readonly string[] | undefined, mediaType: string): boolean {
  const text = typeof header === 'object' ? header.join(',') : (header ?? '')
  if (text.trim() === '') return true
  return text.split(',').some((part) => {
    const [range = '', ...params] = part.split(';').map((word) => word.trim().toLowerCase())
    if (params.some((param) => /^q=0(?:\.0*)?$/.test(param))) return false
    return range === '*/*' || range === 'application/*' || range === 'application/json' || range === mediaType
  })
}
