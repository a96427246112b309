/** What a node's server and the API server that calls it know each other by. */

/** Annotation of a Node: SHA-256 of its server's certificate, hex. */
export const servingCertificateAnnotation = "wherry.dev/serving-certificate-sha256";

/** Common name of the certificate by which an API server shows itself to nodes. */
export const kubeletClientName = "kube-apiserver-kubelet-client";

/** Header of a node's summary: the seconds over which it measured the use of CPU. */
export const cpuWindowHeader = "x-wherry-cpu-window-seconds";
