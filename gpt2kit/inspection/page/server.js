/* ---- the explorer's server: questions are requests ---- */
async function ask(kind, body) {
  const answer = await fetch(`/${kind}`, { method: "POST", headers: { "Content-Type": "application/json", "X-Explorer": settings.token }, body: JSON.stringify(body) });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}
