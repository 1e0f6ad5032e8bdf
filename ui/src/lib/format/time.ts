const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** Time of day in 24 hours: "14:02". */
export function clock(iso: string): string {
  const at = new Date(iso);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** "14:02:08", where seconds matter. */
export function clockSeconds(iso: string): string {
  return `${clock(iso)}:${two(new Date(iso).getSeconds())}`;
}

/** "19 Jul 2026". */
export function date(iso: string): string {
  const at = new Date(iso);
  return `${at.getDate()} ${months[at.getMonth()]} ${at.getFullYear()}`;
}

/** "19 Jul 14:06"; with its year when that is another than now. */
export function dateTime(iso: string, now: number): string {
  const at = new Date(iso);
  const year = at.getFullYear() === new Date(now).getFullYear() ? "" : ` ${at.getFullYear()}`;
  return `${at.getDate()} ${months[at.getMonth()]}${year} ${clock(iso)}`;
}

/** The time when it was today, else date and time. */
export function moment(iso: string, now: number): string {
  return new Date(iso).toDateString() === new Date(now).toDateString() ? clock(iso) : dateTime(iso, now);
}

/** How long ago: "just now", "38 min ago", "5 h ago", "9 days ago", then the date. */
export function age(iso: string, now: number): string {
  const passed = now - Date.parse(iso);
  if (passed < minute) return "just now";
  if (passed < hour) return `${Math.floor(passed / minute)} min ago`;
  if (passed < day) return `${Math.floor(passed / hour)} h ago`;
  const days = Math.floor(passed / day);
  if (days === 1) return "1 day ago";
  return days < 30 ? `${days} days ago` : date(iso);
}

/** The same in few letters, for narrow columns: "now", "38 min", "5 h", "22 d". */
export function shortAge(iso: string, now: number): string {
  const passed = now - Date.parse(iso);
  if (passed < minute) return "now";
  if (passed < hour) return `${Math.floor(passed / minute)} min`;
  if (passed < day) return `${Math.floor(passed / hour)} h`;
  return `${Math.floor(passed / day)} d`;
}

/** How long until then, rounded down so that nothing is promised: "3 days", "5 h", "12 min", "now". */
export function until(iso: string, now: number): string {
  const left = Date.parse(iso) - now;
  if (left < minute) return "now";
  if (left < hour) return `${Math.floor(left / minute)} min`;
  if (left < day) return `${Math.floor(left / hour)} h`;
  const days = Math.floor(left / day);
  return days === 1 ? "1 day" : `${days} days`;
}

/** Whole days between two moments, at least 0. */
export function daysBetween(from: string, to: string): number {
  return Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / day));
}
