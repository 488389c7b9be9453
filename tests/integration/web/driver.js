// A browser driven by lines of JSON on standard input, one answer a line on standard output. Started by test_browser.py.
//
//   {"do": "open", "url": ..., "mode": "mouse" | "keyboard" | "no-script", "dark": bool, "phone": bool}
//   {"do": "press", "name": ...}          a button or link, by its accessible name
//   {"do": "tick", "name": ...}           a checkbox or radio button
//   {"do": "fill", "name": ..., "text": ...}
//   {"do": "state"}                       title, heading, text, HTML, cookies, outside requests, horizontal overflow
//   {"do": "axe"} {"do": "shot", "file": ...} {"do": "end"}
"use strict";
const path = require("path");
const modules = process.env.NODE_PATH_OF_TEST;
const { chromium } = require(path.join(modules, "playwright-core"));
const axe = require("fs").readFileSync(path.join(modules, "axe-core", "axe.min.js"), "utf8");
const readline = require("readline");

const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const TABS_MAX = 60;
let browser, context, page, mode, outside;

async function focusedName() {
	return page.evaluate(() => {
		const e = document.activeElement;
		if (!e || e === document.body) return "";
		const label = e.labels && e.labels.length ? e.labels[0].textContent : e.textContent;
		return label.replace(/\s+/g, " ").trim();
	});
}

// Tab until the name is reached, as somebody without a mouse does; the focus must be seen.
async function tabTo(name) {
	for (let i = 0; i < TABS_MAX; i++) {
		await page.keyboard.press("Tab");
		if ((await focusedName()).startsWith(name)) {
			const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
			if (outline === "none") throw new Error(`the focus on "${name}" is not seen`);
			return;
		}
	}
	throw new Error(`"${name}" is not reached by Tab`);
}

// In a group of radio buttons Tab reaches one only; arrows move.
async function radioTo(name, locator) {
	const group = await locator.getAttribute("name");
	for (let i = 0; i < TABS_MAX; i++) {
		await page.keyboard.press("Tab");
		if (await page.evaluate((g) => document.activeElement.name === g, group)) break;
	}
	await page.keyboard.press("Space");
	for (let i = 0; i < TABS_MAX && !(await locator.isChecked()); i++) await page.keyboard.press("ArrowDown");
	if (!(await locator.isChecked())) throw new Error(`"${name}" is not reached by arrows`);
}

const verbs = {
	async open(c) {
		if (context) await context.close();
		mode = c.mode;
		outside = [];
		context = await browser.newContext({ javaScriptEnabled: mode !== "no-script", colorScheme: c.dark ? "dark" : "light", locale: c.locale || "en-GB",
			viewport: c.phone ? { width: 320, height: 640 } : { width: 1000, height: 800 }, reducedMotion: "reduce" });
		page = await context.newPage();
		const host = new URL(c.url).host;
		page.on("request", (r) => { if (!r.url().startsWith("data:") && new URL(r.url()).host !== host) outside.push(r.url()); });
		page.on("console", (m) => { if (m.type() === "error" && /Content Security Policy|Refused/.test(m.text())) outside.push(m.text()); });
		const r = await page.goto(c.url);
		return { status: r.status() };
	},
	async goto(c) {
		return { status: (await page.goto(c.url)).status() };
	},
	async press(c) {
		const loaded = page.waitForNavigation();
		if (mode === "keyboard") {
			await tabTo(c.name);
			await page.keyboard.press("Enter");
		} else {
			await page.getByRole("button", { name: c.name }).or(page.getByRole("link", { name: c.name })).first().click();
		}
		const r = await loaded;
		return { status: r ? r.status() : 0 };
	},
	async tick(c) {
		const box = page.getByLabel(c.name);
		if (mode !== "keyboard") await box.click();
		else if ((await box.getAttribute("type")) === "radio") await radioTo(c.name, box);
		else {
			await tabTo(c.name);
			await page.keyboard.press("Space");
		}
		return { checked: await box.isChecked() };
	},
	async fill(c) {
		if (mode === "keyboard") {
			await tabTo(c.name);
			await page.keyboard.type(c.text);
		} else {
			await page.getByLabel(c.name).fill(c.text);
		}
		return {};
	},
	async state() {
		return { title: await page.title(), heading: await page.locator("h1").innerText(), text: await page.locator("body").innerText(),
			cookies: (await context.cookies()).length, outside, url: page.url(),
			wide: await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth),
			act: await page.evaluate(() => { const b = document.querySelector("button"); return b ? getComputedStyle(b).backgroundColor : ""; }) };
	},
	async axe() {
		await page.evaluate(axe);
		const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
		return { violations: found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`) };
	},
	async shot(c) {
		await page.screenshot({ path: c.file, fullPage: true });
		return {};
	},
	async end() {
		await browser.close();
		return {};
	},
};

(async () => {
	browser = await chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args: flags });
	process.stdout.write("{}\n");
	for await (const line of readline.createInterface({ input: process.stdin })) {
		const command = JSON.parse(line);
		let answer;
		try {
			answer = await verbs[command.do](command);
		} catch (e) {
			answer = { error: String(e) };
		}
		process.stdout.write(JSON.stringify(answer) + "\n");
		if (command.do === "end") process.exit(0);
	}
	await browser.close();
})();
