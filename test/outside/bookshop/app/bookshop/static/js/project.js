import { price } from './price';

for (const cell of document.querySelectorAll('[data-cents]')) {
  cell.textContent = price(Number(cell.dataset.cents));
}
