import type { HttpEvent } from "../../../ffi/event.ts";

/**
 * Whether events arrive as they were made. Who makes them numbers those of a CPU from 1 on, by the size of the request's body;
 * one of real traffic here has none, and no number.
 */
export class Numbering {
  numbered = 0;
  readonly faults: string[] = [];
  readonly #last = new Map<number, number>();

  take({ cpu, requestBodyBytes: number }: HttpEvent): void {
    if (number === 0) return;
    const due = (this.#last.get(cpu) ?? 0) + 1;
    if (number !== due) this.faults.push(`event ${number} of CPU ${cpu} came where ${due} was due`);
    this.#last.set(cpu, number);
    this.numbered++;
  }
}
