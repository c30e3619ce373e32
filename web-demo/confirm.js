// The question before the store is cleared; both pages have the dialog for it.

/** Asks before clearing; resolves to true when the visitor says so, and to false for Cancel and for Escape. */
export function confirmClear() {
  const dialog = document.getElementById('clear');
  dialog.returnValue = 'cancel';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'clear'), { once: true });
  });
}
