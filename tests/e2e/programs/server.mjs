// What the pods of the end-to-end tests run: a web server and a UDP echo on $PORT of the pod's own address.
import { createSocket } from "node:dgram";
import { createServer } from "node:http";
import process from "node:process";

const { POD_NAME, POD_IP, PORT } = process.env;
let healthy = true;

const answers = {
  "/": () => `${POD_NAME} ${process.pid}\n`,
  "/healthz": () => (healthy ? "ok\n" : undefined),
  "/break": () => {
    healthy = false;
    return "broken\n";
  },
};

const server = createServer(({ url }, response) => {
  const answer = answers[url]?.();
  if (url !== "/healthz") console.log(`GET ${url}`);
  response.writeHead(answer === undefined ? 500 : 200, { connection: "close" }).end(answer ?? "not well\n");
});
server.listen(Number(PORT), POD_IP, () => console.log(`listening on ${POD_IP}:${PORT}`));

const echo = createSocket("udp4");
echo.on("message", (message, { port, address }) => echo.send(`${POD_NAME} ${message}`, port, address));
echo.bind(Number(PORT), POD_IP);

process.on("SIGTERM", () => {
  echo.close();
  server.close(() => process.exit(0));
});
