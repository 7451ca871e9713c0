// The keys, in front of the page when somebody asks for them.
import { GOES, keysShown } from '../lib/keys.ts'
import { Dialog } from './dialog.tsx'

export const Help = () =>
  keysShown.value ? (
    <Dialog
      title="Keys"
      onClose={() => {
        keysShown.value = false
      }}
    >
      <table class="keys">
        <tbody>
          {GOES.map(([key, , name]) => (
            <tr key={key}>
              <td class="nowrap">
                <kbd>g</kbd> <kbd>{key}</kbd>
              </td>
              <td>{name}</td>
            </tr>
          ))}
          <tr>
            <td>
              <kbd>/</kbd>
            </td>
            <td>To the search of the page</td>
          </tr>
          <tr>
            <td>
              <kbd>Esc</kbd>
            </td>
            <td>Close what is in front</td>
          </tr>
          <tr>
            <td>
              <kbd>?</kbd>
            </td>
            <td>These keys</td>
          </tr>
        </tbody>
      </table>
    </Dialog>
  ) : null
