// Asks, for a customer that somebody names, whether a definition holds and why.
import { useState } from 'preact/hooks'
import { Form } from './form.tsx'
import { Card } from './layout.tsx'
import { WhyNot } from './why.tsx'

export const AskWhy = ({ title, id }: { readonly title: string; readonly id: string }) => {
  const [text, setText] = useState('')
  const [customer, setCustomer] = useState('')
  return (
    <Card title={title}>
      <Form class="filters" onSend={() => setCustomer(text.trim())}>
        <input
          type="text"
          class="grow"
          aria-label="Customer"
          placeholder="source_id or id"
          value={text}
          onInput={(e) => setText(e.currentTarget.value)}
        />
        <button type="submit">Explain</button>
      </Form>
      {customer !== '' && <WhyNot customer={customer} definition={id} />}
    </Card>
  )
}
