// Categories: what campaigns and codes are sorted into; the lower the place, the earlier they are applied.
import { at, change } from '../lib/api.ts'
import { useList } from '../lib/ask.ts'
import { mayWrite } from '../lib/session.ts'
import { number } from '../lib/text.ts'
import { Definition, type FormField, partsOf, RowDefinition } from '../parts/definition.tsx'
import { Action } from '../parts/dialog.tsx'
import { Page } from '../parts/layout.tsx'
import { Id, Time } from '../parts/small.tsx'
import { Empty } from '../parts/state.tsx'
import { List } from '../parts/table.tsx'

interface Category {
  readonly id: string
  readonly name: string
  readonly hierarchy: number
  readonly created_at: string
}

const FIELDS: readonly FormField[] = [
  { path: 'name', label: 'Name', isRequired: true },
  { path: 'hierarchy', label: 'Place', kind: 'number', isRequired: true, hint: 'The lower, the earlier' },
]

export const Categories = () => (
  <Page
    title="Categories"
    lead="What campaigns, promotions and codes are sorted into, for the rules by which several of them go together."
    actions={
      mayWrite() && (
        <Definition
          title="New category"
          button="New category"
          tone="main"
          start={{ name: '', hierarchy: 1 }}
          fields={FIELDS}
          request={(body) => change('POST', '/v1/categories', { body })}
        />
      )
    }
  >
    <List
      label="Categories"
      list={useList<Category>(at('/v1/categories'))}
      rowKey={({ id }) => id}
      columns={[
        { head: 'Category', wide: true, cell: ({ name }) => name },
        { head: 'Place', align: 'right', cell: ({ hierarchy }) => number(hierarchy) },
        { head: 'Id', cell: ({ id }) => <Id id={id} /> },
        { head: 'Made', cell: ({ created_at }) => <Time at={created_at} form="date" /> },
        ...(mayWrite()
          ? [
              {
                head: '',
                align: 'right' as const,
                cell: (one: Category) => (
                  <div class="row end">
                    <RowDefinition<Category>
                      title="Change the category"
                      button="Change"
                      tone="quiet"
                      address={at('/v1/categories/{categoryId}', { params: { categoryId: one.id } })}
                      start={(read) => partsOf(read, ['name', 'hierarchy'])}
                      fields={FIELDS}
                      request={(body) =>
                        change('PUT', '/v1/categories/{categoryId}', { params: { categoryId: one.id }, body })
                      }
                    />
                    <Action
                      request={change('DELETE', '/v1/categories/{categoryId}', { params: { categoryId: one.id } })}
                      question={`Codes in “${one.name}” are in no category then. A category that a campaign is in stays.`}
                      done="Deleted"
                      tone="quiet"
                    >
                      Delete
                    </Action>
                  </div>
                ),
              },
            ]
          : []),
      ]}
      empty={<Empty title="There is no category yet">Campaigns, tiers and codes name it as their category.</Empty>}
    />
  </Page>
)
