import { CaissonError } from '@caisson/api'
import { familiarReference, parseReference } from '@caisson/oci'
import type { Verdict } from './judge.ts'

/** Says no: which image, by which rule, and what to do. `image` is what to call it when it has no name. */
export function refusal({ name, rule, keys }: Verdict, image: string, why = ''): CaissonError {
  const shown = name === '' ? image : familiar(name)
  const by =
    rule.scope === 'default' ? 'the default rule of the trust policy' : `the trust policy's rule for ${rule.scope}`
  const details = { image, name, rule: rule.scope }
  if (rule.type === 'reject')
    return new CaissonError(
      'permission-denied',
      `image ${shown} is refused by ${by}: use another image, or change the rule`,
      {
        reason: 'IMAGE_REJECTED',
        details,
      },
    )
  const threshold = rule.signers?.threshold ?? 1
  const missing =
    threshold === 1
      ? 'no signature of a key that it trusts is known'
      : `${keys.length} of ${threshold} signatures are known`
  const whatToDo = 'pull it from where its signatures are, or have it signed'
  return new CaissonError(
    'permission-denied',
    `image ${shown} must be signed (${by}), and ${missing}${why === '' ? '' : ` (${why})`}: ${whatToDo}`,
    { reason: 'SIGNATURE_REQUIRED', details },
  )
}

function familiar(name: string): string {
  try {
    return familiarReference(parseReference(name))
  } catch {
    return name
  }
}
