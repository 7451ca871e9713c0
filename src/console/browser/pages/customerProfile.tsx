// Changing a customer's profile by hand.

import { useState } from 'preact/hooks'
import { carryOut, change } from '../lib/api.ts'
import { readJson } from '../lib/json.ts'
import { useOnce } from '../lib/once.ts'
import type { Customer } from '../lib/shapes.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ApiCall, Area, Fault, Form, Text } from '../parts/form.tsx'
import { say } from '../parts/toast.tsx'

export const EditProfile = ({ customer }: { readonly customer: Customer }) => {
  const [isOpen, setOpen] = useState(false)
  const [name, setName] = useState(customer.name ?? '')
  const [email, setEmail] = useState(customer.email ?? '')
  const [phone, setPhone] = useState(customer.phone ?? '')
  const [metadata, setMetadata] = useState(JSON.stringify(customer.metadata, undefined, 2))
  const { fault, isBusy, once } = useOnce()
  const read = readJson(metadata)
  const body = {
    ...(name === (customer.name ?? '') ? {} : { name: name || null }),
    ...(email === (customer.email ?? '') ? {} : { email: email || null }),
    ...(phone === (customer.phone ?? '') ? {} : { phone: phone || null }),
    ...('fault' in read || JSON.stringify(read.value) === JSON.stringify(customer.metadata)
      ? {}
      : { metadata: read.value }),
  }
  const request = change('PUT', '/v1/customers/{id}', { params: { id: customer.id }, body })
  const save = () =>
    once(async () => {
      await carryOut(request)
      setOpen(false)
      say('Saved')
    })
  return (
    <div class="row">
      <button type="button" onClick={() => setOpen(true)}>
        Edit
      </button>
      {isOpen && (
        <Dialog title="Edit the profile" onClose={() => setOpen(false)}>
          <Form onSend={save}>
            <Text label="Name" value={name} onValue={setName} />
            <Text label="E-mail" value={email} onValue={setEmail} />
            <Text label="Phone" value={phone} onValue={setPhone} />
            <Area
              label="Metadata"
              isCode
              value={metadata}
              onValue={setMetadata}
              fault={read.fault}
              hint="Keys that are left out stay as they are."
            />
            <Fault text={fault} />
            <ApiCall request={request} />
            <footer>
              <button type="button" onClick={() => setOpen(false)}>
                Cancel
              </button>
              <button
                type="submit"
                class="main"
                disabled={isBusy || read.fault !== undefined || Object.keys(body).length === 0}
              >
                Save
              </button>
            </footer>
          </Form>
        </Dialog>
      )}
    </div>
  )
}
