import { join } from "node:path";
import { output } from "./child.ts";
import { temporaryFolder } from "./nginx.ts";

/** Paths of a new certificate for 127.0.0.1 and localhost, signed by itself, and of its key. */
export async function makeCertificate(): Promise<{ cert: string; key: string }> {
  const folder = temporaryFolder();
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  await output([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost"],
    ...["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
  ]);
  return { cert, key };
}
