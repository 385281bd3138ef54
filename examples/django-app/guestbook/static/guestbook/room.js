// Shows what is said in the room, and says what is typed: by the socket, so that the page stays. The form works without.
const said = document.querySelector('#said');
const form = said.previousElementSibling;
const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/ws/rooms/${said.dataset.room}/`);

socket.addEventListener('message', ({ data }) => {
  said.prepend(Object.assign(document.createElement('li'), { textContent: JSON.parse(data).text }));
});
form.addEventListener('submit', (event) => {
  if (socket.readyState === WebSocket.OPEN) {
    event.preventDefault();
    socket.send(JSON.stringify({ text: form.elements.text.value }));
    form.reset();
  }
});
