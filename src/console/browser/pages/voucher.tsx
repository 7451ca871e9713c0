// One code: what it is worth, what is left of it, who holds it, and trying or redeeming it.

import { useState } from 'preact/hooks'
import { at, carryOut, change, send } from '../lib/api.ts'
import { useAsk } from '../lib/ask.ts'
import { useOnce } from '../lib/once.ts'
import type { Params } from '../lib/router.tsx'
import { may } from '../lib/session.ts'
import type { Fields, Voucher as VoucherShape } from '../lib/shapes.ts'
import { amount, number, stateWords } from '../lib/text.ts'
import { CustomerOf } from '../parts/customer.tsx'
import { Switch } from '../parts/dialog.tsx'
import { ApiCall, Fault, Form, Text } from '../parts/form.tsx'
import { Card, Page } from '../parts/layout.tsx'
import { Active, Facts, Figure, Id, Json, Time } from '../parts/small.tsx'
import { Shown } from '../parts/state.tsx'
import { say } from '../parts/toast.tsx'
import { RedemptionList, worthOf } from './customerHas.tsx'

interface Validated {
  readonly valid: boolean
  readonly redeemables: readonly {
    readonly result?: { readonly error?: { readonly message?: string; readonly details?: string } } & Fields
  }[]
  readonly order?: { readonly total_discount_amount?: number; readonly total_amount?: number }
}

const Use = ({ code }: { readonly code: string }) => {
  const [customer, setCustomer] = useState('')
  const [order, setOrder] = useState('')
  const [answer, setAnswer] = useState<{ readonly tone: 'good' | 'bad'; readonly text: string }>()
  const body = {
    redeemables: [{ object: 'voucher', id: code }],
    ...(customer.trim() === '' ? {} : { customer: { source_id: customer.trim() } }),
    ...(order === '' ? {} : { order: { amount: Math.round(Number(order) * 100) } }),
  }
  const request = change('POST', '/v1/redemptions', { body })
  const { fault, isBusy, once } = useOnce()
  const run = (isTry: boolean) =>
    once(async () => {
      setAnswer(undefined)
      if (isTry) {
        const {
          valid,
          redeemables,
          order: reckoned,
        } = await send<Validated>(change('POST', '/v1/validations', { body }))
        const error = redeemables[0]?.result?.error
        setAnswer(
          valid
            ? {
                tone: 'good',
                text: `It would be taken${reckoned?.total_discount_amount ? `: ${amount(reckoned.total_discount_amount)} off` : ''}.`,
              }
            : { tone: 'bad', text: error?.details ?? error?.message ?? 'It would be refused.' },
        )
      } else {
        await carryOut(request)
        setAnswer({ tone: 'good', text: 'Redeemed.' })
        say('Redeemed')
      }
    })
  return (
    <Card title="Use it">
      <Form onSend={() => run(true)}>
        <Text label="Customer" value={customer} onValue={setCustomer} placeholder="source_id" />
        <Text
          label="Amount of the order"
          type="number"
          step="0.01"
          min="0"
          value={order}
          onValue={setOrder}
          placeholder="50.00"
        />
        <Fault text={fault} />
        {answer && (
          <p class="note" data-tone={answer.tone} role="status">
            {answer.text}
          </p>
        )}
        <footer>
          {may('validations.run') && (
            <button type="submit" disabled={isBusy}>
              Validate
            </button>
          )}
          {may('redemptions.write') && (
            <button type="button" class="main" disabled={isBusy} onClick={() => run(false)}>
              Redeem
            </button>
          )}
        </footer>
        <ApiCall request={request} />
      </Form>
    </Card>
  )
}

export const Voucher = ({ params }: { readonly params: Params }) => {
  const { code = '' } = params
  const asked = useAsk<VoucherShape>(at('/v1/vouchers/{code}', { params: { code } }))
  const { data } = asked
  return (
    <Page
      title={code}
      crumbs={
        data?.campaign_id
          ? [
              ['/campaigns', 'Campaigns and codes'],
              [`/campaigns/${data.campaign_id}`, data.campaign ?? data.campaign_id],
            ]
          : [['/campaigns', 'Campaigns and codes']]
      }
      actions={data && may('codes.write') && <Switch of="/v1/vouchers/{code}" params={{ code }} isOn={data.active} />}
    >
      <Shown of={asked}>
        {(voucher) => {
          const { quantity, redeemed_quantity } = voucher.redemption
          return (
            <>
              <dl class="figures">
                <Figure label="Worth" value={worthOf(voucher)} />
                <Figure
                  label="Redeemed"
                  value={redeemed_quantity}
                  hint={quantity === undefined ? 'without bound' : `of ${number(quantity)}`}
                />
                <Figure
                  label="Left"
                  value={quantity === undefined ? 'No bound' : Math.max(0, quantity - redeemed_quantity)}
                />
                <Figure label="Published" value={voucher.publish?.count} />
              </dl>
              <div class="columns">
                <Card title="Code">
                  <Facts
                    of={[
                      ['Code', <Id key="code" id={voucher.code} />],
                      ['Id', <Id key="id" id={voucher.id} />],
                      ['Kind', stateWords(voucher.type)],
                      ['State', <Active key="state" active={voucher.active} />],
                      ['Holder', <CustomerOf key="holder" id={voucher.holder_id} tab="codes" />],
                      ['Made', <Time key="made" at={voucher.created_at} />],
                      ['Expires', <Time key="expires" at={voucher.expiration_date} />],
                    ]}
                  />
                  {Object.keys(voucher.metadata).length > 0 && <Json value={voucher.metadata} label="Metadata" />}
                </Card>
                {voucher.loyalty_card === undefined && may('validations.run') && <Use code={voucher.code} />}
              </div>
              <Card title="Redemptions">
                <RedemptionList
                  address={at('/v1/redemptions', { query: { voucher: voucher.code, limit: 25 } })}
                  label="Redemptions"
                />
              </Card>
            </>
          )
        }}
      </Shown>
    </Page>
  )
}
