const icons = {
  sun: `<circle cx="32" cy="32" r="13" fill="#ffd34d"/><g stroke="#ffd34d" stroke-width="4" stroke-linecap="round">
    <path d="M32 5v7M32 52v7M5 32h7M52 32h7M13 13l5 5M46 46l5 5M51 13l-5 5M18 46l-5 5"/></g>`,
  cloud: `<circle cx="24" cy="24" r="10" fill="#ffd34d"/>
    <path d="M20 50a11 11 0 0 1 1-22 15 15 0 0 1 28 4 9.5 9.5 0 0 1-1 18z" fill="#fff"/>`,
  rain: `<path d="M20 40a11 11 0 0 1 1-22 15 15 0 0 1 28 4 9.5 9.5 0 0 1-1 18z" fill="#dfe8f2"/>
    <g stroke="#7cc0ff" stroke-width="4" stroke-linecap="round"><path d="M24 47l-3 8M34 47l-3 8M44 47l-3 8"/></g>`,
};

const skies = {
  1: "linear-gradient(160deg, #0f4c81 0%, #1f8ac0 45%, #f2a65a 100%)",
  2: "linear-gradient(160deg, #14532d 0%, #1f7a5c 45%, #9bc4bc 100%)",
};

/** The whole page: it loads nothing else, and asks for itself again when another version answers. */
export function weatherPage({ weather, version, pod }) {
  const days = weather.days
    .map(
      ({ day, icon, high, low }) =>
        `<li><span>${day}</span>${picture(icon, 34)}<span>${high}° <small>${low}°</small></span></li>`,
    )
    .join("");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Weather in ${weather.city}</title>
<style>
  * { box-sizing: border-box; margin: 0; }
  body { min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; color: #fff;
    font: 16px/1.45 system-ui, sans-serif; background: ${skies[version] ?? skies[1]} fixed; }
  main { width: min(30rem, 100%); padding: 2rem; border-radius: 1.5rem; background: rgb(0 0 0 / .28);
    border: 1px solid rgb(255 255 255 / .22); box-shadow: 0 1.5rem 4rem rgb(0 0 0 / .3); }
  header { display: flex; justify-content: space-between; align-items: start; gap: 1rem; }
  h1 { font-size: 2.1rem; line-height: 1.1; }
  .badge { padding: .25rem .8rem; border-radius: 9rem; background: #fff; color: #123; font-weight: 700; white-space: nowrap; }
  .now { display: flex; align-items: center; gap: 1.25rem; margin: 1.5rem 0; }
  .now strong { font-size: 4.5rem; line-height: 1; font-weight: 300; }
  dl { display: grid; grid-template-columns: repeat(3, 1fr); gap: .75rem; text-align: center; }
  dl div, ol { padding: .75rem; border-radius: 1rem; background: rgb(255 255 255 / .14); }
  dt, small, footer { opacity: .8; font-size: .85rem; }
  ol { display: flex; justify-content: space-between; margin-top: .75rem; list-style: none; }
  li { display: grid; justify-items: center; gap: .25rem; }
  footer { margin-top: 1.25rem; overflow-wrap: anywhere; }
  code { font: .85rem ui-monospace, monospace; }
</style>
</head>
<body>
<main>
  <header>
    <div><h1>${weather.city}</h1><p>${weather.country}</p></div>
    <span class="badge">version ${escapeHtml(version)}</span>
  </header>
  <section class="now">${picture(weather.icon, 96)}<div><strong>${weather.temperature}°</strong><p>${weather.condition}</p></div></section>
  <dl>
    <div><dt>Feels like</dt><dd>${weather.feelsLike}°</dd></div>
    <div><dt>Humidity</dt><dd>${weather.humidity} %</dd></div>
    <div><dt>Wind</dt><dd>${weather.wind} km/h</dd></div>
  </dl>
  <ol>${days}</ol>
  <footer>Sample data, served by pod <code id="pod">${escapeHtml(pod)}</code></footer>
</main>
<script>
  setInterval(async () => {
    const answer = await fetch("/api/weather").then((r) => r.json()).catch(() => undefined);
    if (answer === undefined) return;
    document.getElementById("pod").textContent = answer.pod;
    if (answer.version !== ${JSON.stringify(version).replaceAll("<", "\\u003c")}) location.reload();
  }, 2000);
</script>
</body>
</html>
`;
}

function picture(icon, size) {
  return `<svg width="${size}" height="${size}" viewBox="0 0 64 64" aria-hidden="true" fill="none">${icons[icon]}</svg>`;
}

function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
