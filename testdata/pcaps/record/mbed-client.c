/* mbed-client makes a TLS handshake with mbedTLS, as devices do, and gets a page.
 *
 *     mbed-client HOST PORT CA-FILE
 */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <stdio.h>
#include <string.h>

static int check(const char *what, int ret) {
  char text[128];
  if (ret >= 0) return 0;
  mbedtls_strerror(ret, text, sizeof text);
  printf("%s: -0x%04x %s\n", what, (unsigned)-ret, text);
  return 1;
}

int main(int argc, char **argv) {
  mbedtls_entropy_context entropy;
  mbedtls_ctr_drbg_context random;
  mbedtls_net_context net;
  mbedtls_ssl_config conf;
  mbedtls_ssl_context ssl;
  mbedtls_x509_crt ca;
  char request[256], info[1024];
  unsigned char answer[1024];

  if (argc != 4) return 2;
  mbedtls_entropy_init(&entropy);
  mbedtls_ctr_drbg_init(&random);
  mbedtls_net_init(&net);
  mbedtls_ssl_config_init(&conf);
  mbedtls_ssl_init(&ssl);
  mbedtls_x509_crt_init(&ca);
  if (check("seed", mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0)) ||
      check("CA file", mbedtls_x509_crt_parse_file(&ca, argv[3])) ||
      check("connect", mbedtls_net_connect(&net, argv[1], argv[2], MBEDTLS_NET_PROTO_TCP)) ||
      check("defaults", mbedtls_ssl_config_defaults(&conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                    MBEDTLS_SSL_PRESET_DEFAULT)))
    return 1;
  mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_ca_chain(&conf, &ca, NULL);
  mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &random);
  if (check("setup", mbedtls_ssl_setup(&ssl, &conf)) || check("name", mbedtls_ssl_set_hostname(&ssl, argv[1])))
    return 1;
  mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
  int failed = check("handshake", mbedtls_ssl_handshake(&ssl));
  mbedtls_x509_crt_verify_info(info, sizeof info, "", mbedtls_ssl_get_verify_result(&ssl));
  if (failed) {
    printf("%s", info);
    mbedtls_net_free(&net);
    return 1;
  }
  snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", argv[1]);
  mbedtls_ssl_write(&ssl, (unsigned char *)request, strlen(request));
  int n = mbedtls_ssl_read(&ssl, answer, sizeof answer - 1);
  if (check("read", n)) return 1;
  answer[n] = 0;
  printf("%s\n", answer);
  mbedtls_ssl_close_notify(&ssl);
  mbedtls_net_free(&net);
  return 0;
}
