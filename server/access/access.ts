/**
 * From the settings to who may ask: read once, at start, and refused when they would leave the host's traffic open.
 * @module
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { Config } from "../config.ts";
import type { GuardOptions } from "./guard.ts";
import { Tokens } from "./tokens.ts";

/** The settings do not fit together. The message is one line, for the user. */
class AccessError extends Error {
  override readonly name = "AccessError";
}

interface Access {
  guard: GuardOptions;
  tls: { cert: string; key: string } | undefined;
}

/** A name that merely begins with 127 may point anywhere. */
const isLoopbackHost = (host: string): boolean =>
  /^localhost$/i.test(host) || (isIP(host) !== 0 && /^(::ffff:)?127\.|^::1$/i.test(host));

const readPem = (path: string, flag: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new AccessError(`--${flag} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
};

const parsePem = <T>(parse: () => T, path: string, flag: string, what: string): T => {
  try {
    return parse();
  } catch {
    throw new AccessError(`--${flag}: expected ${what} in PEM, found none in ${path}`);
  }
};

/** Looked at here, because what the TLS library says of a wrong file names neither file nor flag. */
const readTls = (certPath: string, keyPath: string): { cert: string; key: string } => {
  const [cert, key] = [readPem(certPath, "tls-cert"), readPem(keyPath, "tls-key")];
  const certificate = parsePem(() => new X509Certificate(cert), certPath, "tls-cert", "a certificate chain");
  const privateKey = parsePem(() => createPrivateKey(key), keyPath, "tls-key", "a private key without a passphrase");
  if (!certificate.checkPrivateKey(privateKey))
    throw new AccessError(`the private key in ${keyPath} (--tls-key) is not that of the certificate in ${certPath}`);
  return { cert, key };
};

/**
 * @throws {AccessError} when the service would be open to others, or TLS is set by half
 * @throws {TokenFileError}
 */
const readAccess = (config: Config): Access => {
  const { host, unixSocket, tokenFile, insecure, tlsCert, tlsKey, allowedHost, allowedOrigin } = config;
  const tokens = tokenFile === undefined ? undefined : Tokens.read(tokenFile);
  if (tokens === undefined && unixSocket === undefined && !insecure && !isLoopbackHost(host))
    throw new AccessError(
      `on ${host} whoever reaches this machine could read its traffic: set --token-file (KERNELCAST_TOKEN_FILE), or say --insecure`,
    );
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new AccessError("TLS needs both, --tls-cert and --tls-key");
  const names = isIP(host) === 0 ? [host] : [];
  return {
    guard: { tokens, allowedHosts: [...names, ...allowedHost], allowedOrigins: allowedOrigin },
    tls: tlsCert === undefined || tlsKey === undefined ? undefined : readTls(tlsCert, tlsKey),
  };
};

export { AccessError, readAccess };
