import type { InputHTMLAttributes } from 'react';

import { Field, TextInput } from '../ui/kit';

type Props = Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange'> & {
  label: string;
  hint?: string;
  error?: string | null;
  onText: (text: string) => void;
};

/** A line to fill in. */
export function Entry({ label, hint, error, onText, ...input }: Props) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => <TextInput {...input} {...ids} onChange={(e) => onText(e.target.value)} />}
    </Field>
  );
}
