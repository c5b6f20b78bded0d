"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const aim = document.getElementById("aim"), budget = document.getElementById("budget");
  const weight = document.getElementById("weight");
  const weighed = data.aims.filter((line) => line.weighed), others = data.aims.filter((line) => !line.weighed);
  const at = (id) => document.getElementById(id);
  const money = (x) => Math.abs(x) >= 1e7 ? `£${(x / 1e6).toLocaleString("en-GB", {minimumFractionDigits: 1, maximumFractionDigits: 1})}m`
    : `£${Math.round(x).toLocaleString("en-GB")}`;
  const count = (x) => Math.round(x).toLocaleString("en-GB");
  const share = (x) => `${(100 * x).toFixed(1)} %`;
  const cell = (row, text, name) => { const td = document.createElement(name || "td"); td.textContent = text; row.append(td); return td; };
  const bars = (row, before, now, most) => {
    const td = cell(row, ""); td.className = "bars";
    for (const [value, kind] of [[before, "bar base"], [now, "bar"]]) {
      const line = document.createElement("div"), bar = document.createElement("span");
      bar.className = kind; bar.style.width = `${most > 0 ? 11 * value / most : 0}rem`; line.append(bar); td.append(line);
    }
  };
  const cards = [["spend", "Spend", money], ["parked", "Parked", share], ["additional", "Additional outcomes", count],
    ["support", "Support a head", money], ["windfall", "Windfall in outcome payments", share]];

  const showCards = (point) => {
    at("cards").replaceChildren(...cards.map(([key, label, show]) => {
      const card = document.createElement("div"), number = document.createElement("strong");
      card.className = "card"; number.textContent = show(point[key]);
      card.append(label, number, `as it is: ${show(data.base[key])}`);
      return card;
    }));
  };
  const showGroups = (point) => {
    const dearest = Math.max(...data.base.price, ...point.price);
    at("groups").replaceChildren(...data.groups.map((group, g) => {
      const row = document.createElement("tr");
      cell(row, `${group.id} ${group.name === group.id ? "" : group.name}`.trim(), "th").scope = "row";
      cell(row, `${money(data.base.price[g])} → ${money(point.price[g])}`);
      bars(row, data.base.price[g], point.price[g], dearest);
      cell(row, `${share(data.base.groupParked[g])} → ${share(point.groupParked[g])}`);
      cell(row, `${count(group.people * data.base.groupParked[g])} → ${count(group.people * point.groupParked[g])}`);
      cell(row, `${money(data.base.groupSupport[g])} → ${money(point.groupSupport[g])}`);
      return row;
    }));
  };
  const showTiers = (point) => {
    const body = at("tiers");
    if (!body) return;
    body.replaceChildren(...point.tiers.map((tier, k) => {
      const row = document.createElement("tr"), was = data.base.tiers[k] || tier;
      cell(row, tier.tier, "th").scope = "row";
      cell(row, `${count(was.stayed)} → ${count(tier.stayed)} of ${count(tier.agents)}`);
      cell(row, `${share(was.delivered_share)} → ${share(tier.delivered_share)}`);
      cell(row, `${share(was.parked_share)} → ${share(tier.parked_share)}`);
      cell(row, `${money(was.income_gbp)} → ${money(tier.income_gbp)}`);
      cell(row, `${money(was.profit_gbp)} → ${money(tier.profit_gbp)}`);
      return row;
    }));
  };
  const drawn = (name, attributes, text) => {
    const mark = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) mark.setAttribute(key, value);
    if (text) mark.textContent = text;
    return mark;
  };
  const showCurve = (line, k) => {
    const low = Math.min(line.budget[0], data.base.spend), high = Math.max(line.budget[line.budget.length - 1], data.base.spend);
    const top = Math.max(data.base.parked, ...data.aims.flatMap((each) => each.points.map((point) => point.parked)), 1e-9);
    const x = (gbp) => 56 + 350 * (high > low ? (gbp - low) / (high - low) : 0.5), y = (parked) => 160 - 145 * parked / top;
    const path = line.points.map((point, i) => `${i ? `H${x(line.budget[i])}V` : `M${x(line.budget[i])} `}${y(point.parked)}`).join("");
    const dot = {cx: x(line.budget[k]), cy: y(line.points[k].parked), r: 6, class: "here"};
    const was = {x: x(data.base.spend) - 5, y: y(data.base.parked) - 5, width: 10, height: 10, class: "was"};
    at("curve").replaceChildren(
      drawn("path", {d: "M56 10V160H410", class: "axis"}), drawn("path", {d: path, class: "line"}), drawn("rect", was), drawn("circle", dot),
      drawn("text", {x: 50, y: y(top) + 4, class: "end"}, share(top)), drawn("text", {x: 50, y: 164, class: "end"}, "0 %"),
      drawn("text", {x: 56, y: 180}, money(low)), drawn("text", {x: 410, y: 180, class: "end"}, money(high)));
    at("curve").setAttribute("aria-label", `People parked against the budget: ${share(line.points[k].parked)} at ${money(line.budget[k])}, ` +
      `from ${share(line.points[0].parked)} at ${money(line.budget[0])} to ${share(line.points[line.points.length - 1].parked)} at ${money(high)}.`);
  };
  const chosen = () => {
    if (!weighed.length) return others[aim.selectedIndex];
    return aim.selectedIndex ? others[aim.selectedIndex - 1] : weighed[Number(weight.value)];
  };
  const show = () => {
    const line = chosen(), k = Math.min(Number(budget.value), line.points.length - 1);
    budget.max = line.points.length - 1;
    if (weight) { weight.disabled = !line.weighed; weight.setAttribute("aria-valuetext", line.label); }
    budget.setAttribute("aria-valuetext", money(line.budget[k]));
    const status = line.status[k] === "optimal" ? "proved best" : `status ${line.status[k]}`;
    at("chosen").textContent = `Budget ${money(line.budget[k])}, ${line.label}: ${status}; parks ${share(line.points[k].parked)} ` +
      `(as it is ${share(data.base.parked)}), ${count(line.points[k].additional)} additional jobs (as it is ${count(data.base.additional)}).`;
    at("budget-text").textContent = money(line.budget[k]);
    showCards(line.points[k]); showCurve(line, k); showGroups(line.points[k]); showTiers(line.points[k]);
  };
  if (weighed.length) aim.add(new Option("people parked and jobs, weighed"));
  others.forEach((line) => aim.add(new Option(line.label)));
  if (weight) { weight.max = weighed.length - 1; weight.value = 0; weight.addEventListener("input", show); }
  const first = data.aims[0].budget, start = first.findIndex((b) => b >= data.base.spend * (1 - 1e-6));
  budget.max = first.length - 1;
  budget.value = Math.max(start, 0);
  aim.addEventListener("input", show);
  budget.addEventListener("input", show);
  show();
})();
