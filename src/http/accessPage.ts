// The page that says who may do what: the table of roles and routes, made from the API document. Pure: a document in, HTML out.
import { html } from 'hono/html'
import { ACCESS_PAGE, layout, listOf, type Markup, type Node, nodeOf, operationsOf, tagsOf, textOf } from './docs.ts'
import type { Guide } from './guides.ts'

const mark = (holds: boolean): string => (holds ? '●' : '')

const head = (roles: readonly string[]): Markup =>
  html`<tr><th></th>${roles.map((role) => html`<th>${role}</th>`)}</tr>`

/** The page: permissions with the roles that hold them, then every route with the roles that may call it. */
export const accessPage = (document: Node, guides: readonly Guide[]): string => {
  const access = nodeOf(document['x-access'])
  const sets = nodeOf(access.roles)
  const roles = Object.keys(sets)
  const content = html`<h1>Permissions and roles</h1>
    <p>Each route needs one permission, a path below <code>/management/v1</code> also <code>management.use</code>. A role is a set of
    permissions; the role client works on client paths only, and only its keys do.</p>
    <h2>Permissions</h2>
    <table>${head(roles)}${Object.entries(nodeOf(access.permissions)).map(
      ([name, about]) =>
        html`<tr><td><code>${name}</code><br><span class="soft">${textOf(about)}</span></td>${roles.map(
          (role) => html`<td>${mark(listOf(sets[role]).includes(name))}</td>`,
        )}</tr>`,
    )}</table>
    <h2>Routes</h2>
    ${tagsOf(document).map((tag) => {
      const operations = operationsOf(document, tag).filter(({ spec }) => spec['x-permission'] !== undefined)
      if (operations.length === 0) return ''
      return html`<h3>${tag}</h3><table>${head(roles)}${operations.map(
        ({ method, path, spec }) => html`<tr><td><span class="method">${method}</span> <code>${path}</code><br>
          <span class="soft">${listOf(spec['x-permission']).map(textOf).join(', ')}</span></td>${roles.map(
            (role) => html`<td>${mark(listOf(spec['x-roles']).includes(role))}</td>`,
          )}</tr>`,
      )}</table>`
    })}`
  return layout(document, guides, 'Permissions and roles · Tributary API', ACCESS_PAGE, content)
}
